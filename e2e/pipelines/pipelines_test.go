package pipelines

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin"
)

// action is the folder of GitHub's action, whose script the other pipelines call as well.
const action = "../../.github/actions/check"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kubectl-cnpg_netpol": func() {
			streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
			os.Exit(plugin.Main(context.Background(), os.Args[1:], streams))
		},
	})
}

// Each script is a repository with a change, and what the pipelines say of it. Copies are what it works on, which also
// makes the go command run the test again when one of the files changes.
func TestPipelines(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("KUBECONFIG", filepath.Join(env.WorkDir, "none"))
			for name, folder := range map[string]string{"flux": "flux", "argocd": "argocd", "action": action} {
				if err := os.CopyFS(filepath.Join(env.WorkDir, name), os.DirFS(folder)); err != nil {
					return err
				}
			}
			config := filepath.Join(env.WorkDir, ".gitconfig")
			env.Setenv("GIT_CONFIG_GLOBAL", config)
			return os.WriteFile(config, []byte("[user]\nname = test\nemail = test@example.com\n[init]\ndefaultBranch = main\n"), 0o600)
		},
	})
}

// The job of GitLab calls the script as GitHub's action does, with variables that the script knows.
func TestGitLab(t *testing.T) {
	var pipeline map[string]struct {
		Variables map[string]string `json:"variables"`
		Script    []string          `json:"script"`
		Artifacts struct {
			Paths   []string          `json:"paths"`
			Reports map[string]string `json:"reports"`
		} `json:"artifacts"`
	}
	read(t, "gitlab-ci.yml", &pipeline)
	job := pipeline["network-policies"]
	if len(job.Script) != 1 || job.Script[0] != "./check" {
		t.Errorf("it runs %v", job.Script)
	}
	for _, name := range []string{"DIRECTORY", "EXPECTATIONS", "BASE", "RESULTS"} {
		if job.Variables[name] == "" {
			t.Errorf("the script's variable %s is missing in %v", name, job.Variables)
		}
	}
	results := job.Variables["RESULTS"]
	if job.Artifacts.Reports["junit"] != results+"/junit.xml" || job.Artifacts.Paths[0] != results+"/summary.md" {
		t.Errorf("the artifacts are %+v, the results are in %s", job.Artifacts, results)
	}
}

// The inputs that the workflow sets are those that the action has, and the action's steps read no others.
func TestGitHub(t *testing.T) {
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses string         `json:"uses"`
				With map[string]any `json:"with"`
			} `json:"steps"`
		} `json:"jobs"`
	}
	read(t, "github-workflow.yml", &workflow)
	var composite struct {
		Inputs map[string]struct {
			Description string `json:"description"`
		} `json:"inputs"`
	}
	read(t, filepath.Join(action, "action.yml"), &composite)
	steps := workflow.Jobs["check"].Steps
	for name := range steps[len(steps)-1].With {
		if composite.Inputs[name].Description == "" {
			t.Errorf("the action has no input %q", name)
		}
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
