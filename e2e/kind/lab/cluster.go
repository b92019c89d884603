package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	kindcluster "sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
	kindexec "sigs.k8s.io/kind/pkg/exec"
)

const (
	// NodePort is the port of each node that can be reached from outside the cluster, at the local
	// address that the node's label OutsidePortLabel has the port of.
	NodePort = 30432
	// OutsidePortLabel is the label of a node with the port at 127.0.0.1 that leads to its NodePort.
	OutsidePortLabel = "cnpg-netpol-e2e/outside-port"
)

// kubeletPatch lets the kubelet start where the machine still has the first version of control
// groups, which it otherwise refuses.
const kubeletPatch = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
`

// openPatch lets pods run beside the control plane also when there are other nodes.
const openPatch = `kind: InitConfiguration
nodeRegistration: {taints: []}
`

// create makes a kind cluster without network and without kube-proxy: Cilium is both. The first of its nodes has the
// control plane.
func (l *Lab) create() error {
	config := &v1alpha4.Cluster{
		Networking:           v1alpha4.Networking{DisableDefaultCNI: true, KubeProxyMode: "none"},
		KubeadmConfigPatches: []string{kubeletPatch},
	}
	for i := range l.Sources.Nodes {
		port, err := freePort()
		if err != nil {
			return err
		}
		node := v1alpha4.Node{
			Role:   v1alpha4.WorkerRole,
			Labels: map[string]string{OutsidePortLabel: strconv.Itoa(int(port))},
			ExtraPortMappings: []v1alpha4.PortMapping{
				{ContainerPort: NodePort, HostPort: port, ListenAddress: "127.0.0.1", Protocol: v1alpha4.PortMappingProtocolTCP},
			},
		}
		if i == 0 {
			node.Role = v1alpha4.ControlPlaneRole
			if l.Sources.Nodes > 1 {
				node.KubeadmConfigPatches = []string{openPatch}
			}
		}
		config.Nodes = append(config.Nodes, node)
	}
	return kindcluster.NewProvider().Create(l.Sources.Name,
		kindcluster.CreateWithV1Alpha4Config(config),
		kindcluster.CreateWithNodeImage(l.Sources.NodeImage),
		kindcluster.CreateWithKubeconfigPath(l.Kubeconfig),
		kindcluster.CreateWithDisplayUsage(false),
		kindcluster.CreateWithDisplaySalutation(false),
	)
}

// freePort is a port that nobody listens on now.
func freePort() (int32, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }() // nothing was sent or received
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("%s is no TCP address", listener.Addr())
	}
	return int32(address.Port), nil
}

// loadImages brings the engine's images into the nodes, those that they do not have yet.
func (l *Lab) loadImages(ctx context.Context) error {
	return l.onNodes(func(node nodes.Node) error {
		missing, err := missing(node, l.Sources.Images)
		if err != nil || len(missing) == 0 {
			return err
		}
		return load(ctx, node, missing)
	})
}

// Load brings an image of the engine into every node, also one that has another image of that name.
func (l *Lab) Load(ctx context.Context, image string) error {
	return l.onNodes(func(node nodes.Node) error { return load(ctx, node, []string{image}) })
}

func (l *Lab) onNodes(do func(nodes.Node) error) error {
	all, err := kindcluster.NewProvider().ListInternalNodes(l.Sources.Name)
	if err != nil {
		return err
	}
	for _, node := range all {
		if err := do(node); err != nil {
			return err
		}
	}
	return nil
}

// missing are the images that a node does not have. The node's runtime writes names out in full.
func missing(node nodes.Node, images []string) ([]string, error) {
	lines, err := kindexec.OutputLines(node.Command("ctr", "--namespace=k8s.io", "images", "list", "--quiet"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, image := range images {
		if !slices.Contains(lines, image) && !slices.Contains(lines, "docker.io/"+image) && !slices.Contains(lines, "docker.io/library/"+image) {
			out = append(out, image)
		}
	}
	return out, nil
}

// load streams the images from the engine to the node, without a file between them.
func load(ctx context.Context, node nodes.Node, images []string) error {
	read, write := io.Pipe()
	save := exec.CommandContext(ctx, "docker", append([]string{"save"}, images...)...)
	save.Stdout, save.Stderr = write, os.Stderr
	saved := make(chan error, 1)
	go func() {
		err := save.Run()
		// Nothing can be done about a reader that is gone; its own error says why.
		_ = write.CloseWithError(err)
		saved <- err
	}()
	loaded := nodeutils.LoadImageArchive(node, read)
	// Ends a docker that still writes when the node did not take everything.
	_ = read.Close()
	if err := <-saved; err != nil && loaded == nil {
		return fmt.Errorf("docker save: %w", err)
	}
	return errors.Join(loaded)
}
