package repository

import "encoding/json"

// argoSource is where an Application takes its objects from.
type argoSource struct {
	Path      string `json:"path"`
	Chart     string `json:"chart"`
	Ref       string `json:"ref"`
	Plugin    any    `json:"plugin"`
	Directory struct {
		Recurse bool   `json:"recurse"`
		Include string `json:"include"`
		Exclude string `json:"exclude"`
	} `json:"directory"`
	Kustomize struct {
		Namespace  string   `json:"namespace"`
		NamePrefix string   `json:"namePrefix"`
		NameSuffix string   `json:"nameSuffix"`
		Patches    []any    `json:"patches"`
		Components []string `json:"components"`
	} `json:"kustomize"`
}

func (s argoSource) folder(namespace, command string) Folder {
	folder := Folder{
		Path: s.Path, Namespace: namespace, Recursive: s.Directory.Recurse, Command: command,
		Overrides: Overrides{
			Namespace: s.Kustomize.Namespace, NamePrefix: s.Kustomize.NamePrefix, NameSuffix: s.Kustomize.NameSuffix,
			Patches: s.Kustomize.Patches, Components: s.Kustomize.Components,
		},
	}
	switch {
	case s.Plugin != nil:
		folder.Opaque = "a plugin of Argo CD renders it"
	case s.Directory.Include != "" || s.Directory.Exclude != "":
		folder.Opaque = "it takes some files of the folder by patterns"
	}
	return folder
}

func argoApplication(raw []byte, defaultNamespace string) (Instruction, error) {
	var object struct {
		meta
		Spec struct {
			Source      *argoSource  `json:"source"`
			Sources     []argoSource `json:"sources"`
			Destination struct {
				Namespace string `json:"namespace"`
			} `json:"destination"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return Instruction{}, err
	}
	by, _ := object.called("Application", defaultNamespace)
	out := Instruction{By: by}
	sources := object.Spec.Sources
	if len(sources) == 0 && object.Spec.Source != nil {
		sources = []argoSource{*object.Spec.Source}
	}
	namespace := object.Spec.Destination.Namespace
	command := "argocd app manifests NAME"
	for _, s := range sources {
		switch {
		case s.Chart != "":
			out.Charts = append(out.Charts, Chart{Name: s.Chart, Namespace: namespace, Command: command})
		case s.Path != "":
			out.Folders = append(out.Folders, s.folder(namespace, command))
		}
	}
	return out, nil
}

func argoApplicationSet(raw []byte, defaultNamespace string) (Instruction, error) {
	var object struct {
		meta
		Spec struct {
			Template struct {
				Spec struct {
					Destination struct {
						Namespace string `json:"namespace"`
					} `json:"destination"`
				} `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return Instruction{}, err
	}
	by, _ := object.called("ApplicationSet", defaultNamespace)
	return Instruction{
		By: by, Generated: "argocd appset generate FILE", Namespace: object.Spec.Template.Spec.Destination.Namespace,
	}, nil
}
