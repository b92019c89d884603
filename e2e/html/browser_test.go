//go:build browser

package html_test

import (
	"bytes"
	"cmp"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/picture"
)

const recordings = "../../internal/inventory/testdata/"

// browser is the program that $BROWSER names, or Chromium.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("BROWSER"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(cmp.Or(name, "-")); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium on the PATH: install it, or name it in BROWSER")
	return ""
}

// page evaluates a recording and writes the page.
func page(t *testing.T, list v1alpha1.IsolationReportList) string {
	t.Helper()
	var out bytes.Buffer
	if err := picture.HTML(&out, list); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func evaluated(t *testing.T, recording string) v1alpha1.IsolationReportList {
	t.Helper()
	inv, err := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{recordings + recording}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return assess.Evaluate(m)
}

// chromium opens a page without a network and returns what it prints.
func chromium(t *testing.T, file string, flags ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	arguments := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--proxy-server=127.0.0.1:1",
		"--user-data-dir=" + t.TempDir(), "--window-size=1250,1600",
	}, flags...)
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, browser(t), append(arguments, "file://"+file)...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errOut.String())
	}
	return out.String()
}

// screenshot is kept in $SCREENSHOTS when that is set, for somebody to look at.
func screenshot(t *testing.T, name, file string, flags ...string) image.Image {
	t.Helper()
	folder := cmp.Or(os.Getenv("SCREENSHOTS"), t.TempDir())
	path := filepath.Join(folder, name+".png")
	chromium(t, file, append(flags, "--virtual-time-budget=2000", "--screenshot="+path)...)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	shot, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return shot
}

// pixels counts those of a color, give or take what smoothing does to it.
func pixels(shot image.Image, want color.RGBA) int {
	near := func(a uint32, b uint8) bool { return max(a>>8, uint32(b))-min(a>>8, uint32(b)) <= 2 }
	n := 0
	for y := shot.Bounds().Min.Y; y < shot.Bounds().Max.Y; y++ {
		for x := shot.Bounds().Min.X; x < shot.Bounds().Max.X; x++ {
			if r, g, b, _ := shot.At(x, y).RGBA(); near(r, want.R) && near(g, want.G) && near(b, want.B) {
				n++
			}
		}
	}
	return n
}

// broken is the open cluster with a required flow that is denied.
func broken(t *testing.T) v1alpha1.IsolationReportList {
	t.Helper()
	list := evaluated(t, "live-locked.json")
	r := &list.Items[0]
	r.Posture, r.RequiredFlows[0].Verdict, r.RequiredFlows[0].Policies = v1alpha1.PostureBroken, v1alpha1.VerdictDenied, nil
	return list
}

// The colors of the style sheet, in light mode: page, edges of clients, of needs, of what is blocked.
var (
	white = color.RGBA{255, 255, 255, 255}
	blue  = color.RGBA{0x05, 0x50, 0xae, 255}
	green = color.RGBA{0x11, 0x63, 0x29, 255}
	red   = color.RGBA{0xcf, 0x22, 0x2e, 255}
	night = color.RGBA{0x0d, 0x11, 0x17, 255}
)

func TestScreenshots(t *testing.T) {
	for name, test := range map[string]struct {
		list    v1alpha1.IsolationReportList
		flags   []string
		colors  map[string]color.RGBA
		without map[string]color.RGBA
	}{
		"open":   {list: evaluated(t, "live-open.json"), colors: map[string]color.RGBA{"white": white, "blue": blue, "green": green}},
		"locked": {list: evaluated(t, "live-locked.json"), colors: map[string]color.RGBA{"white": white, "blue": blue, "green": green}},
		"broken": {list: broken(t), colors: map[string]color.RGBA{"white": white, "red": red}},
		"dark": {list: evaluated(t, "live-locked.json"), flags: []string{"--force-dark-mode"},
			colors: map[string]color.RGBA{"night": night}, without: map[string]color.RGBA{"blue": blue}},
	} {
		t.Run(name, func(t *testing.T) {
			shot := screenshot(t, name, page(t, test.list), test.flags...)
			for name, c := range test.colors {
				if n := pixels(shot, c); n < 200 {
					t.Errorf("%d pixels are %s: is the picture there?", n, name)
				}
			}
			for name, c := range test.without {
				if n := pixels(shot, c); n > 200 {
					t.Errorf("%d pixels are %s", n, name)
				}
			}
		})
	}
}

// What the browser makes of the page is what was written: names stay text.
func TestNamesStayText(t *testing.T) {
	const attack = `</title></svg><script>document.title="owned"</script><img src=x onerror='document.title="owned"'>`
	list := evaluated(t, "live-locked.json")
	r := &list.Items[0]
	r.Metadata.Name = attack
	r.RequiredFlows[0].From, r.RequiredFlows[0].Message = attack, attack
	r.Exposure[0].Clients[0].Workload, r.Exposure[0].Clients[0].Namespace = attack, attack
	r.Exposure[0].Clients[0].Policies[0].Name = attack
	r.Findings = append(r.Findings, v1alpha1.Finding{Severity: v1alpha1.SeverityError, Message: attack, Remedy: command.Words(attack)})
	dom := chromium(t, page(t, list), "--dump-dom")
	if !strings.Contains(dom, "<title>Isolation of CloudNativePG clusters</title>") {
		t.Error("the page's title has changed: a script has run")
	}
	for _, element := range []string{"<script", "<img"} {
		if strings.Contains(dom, element) {
			t.Errorf("the page has an element %s", element)
		}
	}
	if strings.Count(dom, "<svg") != 1 || !strings.Contains(dom, "</html>") {
		t.Errorf("not one picture in a whole page:\n%s", dom)
	}
}
