package live

import (
	"os"
	"testing"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// The second of client-go's handlers of errors holds back whoever reports them in quick succession. It
// keeps the time of the last one for the whole program, and time in a bubble of testing/synctest is another one.
func TestMain(m *testing.M) {
	utilruntime.ErrorHandlers = utilruntime.ErrorHandlers[:1]
	os.Exit(m.Run())
}
