package repository

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Instruction is an object that tells Flux or Argo CD what to apply.
type Instruction struct {
	// By is the object ("Kustomization flux-system/apps").
	By string
	// Folders are those of the repository whose content is applied.
	Folders []Folder
	// Charts are applied too, and are not in the repository or not rendered.
	Charts []Chart
	// Generated says what makes more instructions out of this one, empty when nothing does.
	Generated string
	// Namespace is where Generated applies to, empty when that can't be told.
	Namespace string
}

// Folder is what an instruction applies of the repository, and how.
type Folder struct {
	// Path is relative to the repository.
	Path string
	// Namespace is that of objects that name none, empty for no other one than usual. Overrides has the one that
	// all objects get.
	Namespace string
	Overrides Overrides
	// Recursive folders are read with those below them when they have no kustomization.
	Recursive bool
	// Substitute are the values of placeholders; nil when none are replaced.
	Substitute map[string]string
	// SubstituteFrom are the objects with more of them.
	SubstituteFrom []Values
	// Opaque says why the content can't be rendered from files alone, empty when it can.
	Opaque string
	// Command renders the content elsewhere.
	Command string
}

// Values is a ConfigMap or Secret with the values of placeholders.
type Values struct {
	Kind, Namespace, Name string
	Optional              bool
}

// Chart is a Helm chart that somebody installs.
type Chart struct {
	// Name is that of the chart, empty when it can't be told.
	Name string
	// Namespace is where it is installed.
	Namespace string
	// Command renders it.
	Command string
	// Path is its folder in the repository, empty for one from elsewhere.
	Path string
}

// Read tells what an object of Flux or Argo CD applies; false for any other object, and for one that can't be read.
func Read(apiVersion, kind string, raw []byte, defaultNamespace string) (Instruction, bool) {
	group, _, _ := strings.Cut(apiVersion, "/")
	var read func([]byte, string) (Instruction, error)
	switch group + "/" + kind {
	case "kustomize.toolkit.fluxcd.io/Kustomization":
		read = fluxKustomization
	case "helm.toolkit.fluxcd.io/HelmRelease":
		read = fluxHelmRelease
	case "argoproj.io/Application":
		read = argoApplication
	case "argoproj.io/ApplicationSet":
		read = argoApplicationSet
	default:
		return Instruction{}, false
	}
	instruction, err := read(raw, defaultNamespace)
	return instruction, err == nil
}

// instructive tells whether a text may hold an instruction.
func instructive(text []byte) bool {
	return bytes.Contains(text, []byte("kustomize.toolkit.fluxcd.io/")) || bytes.Contains(text, []byte("argoproj.io/"))
}

// meta is what all these objects have.
type meta struct {
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
}

func (m meta) called(kind, defaultNamespace string) (by, namespace string) {
	if namespace = m.Metadata.Namespace; namespace == "" {
		namespace = defaultNamespace
	}
	return kind + " " + namespace + "/" + m.Metadata.Name, namespace
}

func fluxKustomization(raw []byte, defaultNamespace string) (Instruction, error) {
	var object struct {
		meta
		Spec struct {
			Path            string   `json:"path"`
			TargetNamespace string   `json:"targetNamespace"`
			NamePrefix      string   `json:"namePrefix"`
			NameSuffix      string   `json:"nameSuffix"`
			Patches         []any    `json:"patches"`
			Components      []string `json:"components"`
			SourceRef       struct {
				Kind string `json:"kind"`
				Name string `json:"name"`
			} `json:"sourceRef"`
			PostBuild *struct {
				Substitute     map[string]string `json:"substitute"`
				SubstituteFrom []struct {
					Kind     string `json:"kind"`
					Name     string `json:"name"`
					Optional bool   `json:"optional"`
				} `json:"substituteFrom"`
			} `json:"postBuild"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return Instruction{}, err
	}
	by, namespace := object.called("Kustomization", defaultNamespace)
	spec := object.Spec
	folder := Folder{
		Path: spec.Path, Recursive: true,
		Overrides: Overrides{
			Namespace: spec.TargetNamespace, NamePrefix: spec.NamePrefix, NameSuffix: spec.NameSuffix,
			Patches: spec.Patches, Components: spec.Components,
		},
		Command: "flux build kustomization NAME --path FOLDER",
	}
	if spec.SourceRef.Kind != "" && spec.SourceRef.Kind != "GitRepository" {
		folder.Opaque = "its source is the " + spec.SourceRef.Kind + " " + spec.SourceRef.Name
	}
	if post := spec.PostBuild; post != nil && len(post.Substitute)+len(post.SubstituteFrom) > 0 {
		folder.Substitute = map[string]string{}
		for key, value := range post.Substitute {
			folder.Substitute[key] = value
		}
		for _, from := range post.SubstituteFrom {
			folder.SubstituteFrom = append(folder.SubstituteFrom, Values{from.Kind, namespace, from.Name, from.Optional})
		}
	}
	return Instruction{By: by, Folders: []Folder{folder}}, nil
}

func fluxHelmRelease(raw []byte, defaultNamespace string) (Instruction, error) {
	var object struct {
		meta
		Spec struct {
			TargetNamespace string `json:"targetNamespace"`
			Chart           struct {
				Spec struct {
					Chart     string `json:"chart"`
					SourceRef struct {
						Kind string `json:"kind"`
					} `json:"sourceRef"`
				} `json:"spec"`
			} `json:"chart"`
			ChartRef struct {
				Name string `json:"name"`
			} `json:"chartRef"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return Instruction{}, err
	}
	by, namespace := object.called("HelmRelease", defaultNamespace)
	chart := Chart{Name: object.Spec.Chart.Spec.Chart, Namespace: object.Spec.TargetNamespace}
	if chart.Name == "" {
		chart.Name = object.Spec.ChartRef.Name
	}
	if chart.Namespace == "" {
		chart.Namespace = namespace
	}
	if object.Spec.Chart.Spec.SourceRef.Kind == "GitRepository" {
		chart.Path = chart.Name
	}
	chart.Command = "helm template RELEASE CHART -n " + chart.Namespace + " -f VALUES"
	chart.Name = chart.Name[strings.LastIndex(chart.Name, "/")+1:]
	return Instruction{By: by, Charts: []Chart{chart}}, nil
}
