package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
)

// fetch returns the content of a file or of an address.
func fetch(ctx context.Context, source string) ([]byte, error) {
	if !isAddress(source) {
		return os.ReadFile(source)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // what was read counts
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: %s", source, response.Status)
	}
	var content bytes.Buffer
	if _, err := io.Copy(&content, response.Body); err != nil {
		return nil, fmt.Errorf("get %s: %w", source, err)
	}
	return content.Bytes(), nil
}
