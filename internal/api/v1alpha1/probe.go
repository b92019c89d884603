package v1alpha1

// ProbeResult is what came of a connection that was tried.
type ProbeResult string

const (
	// ProbeConnected: the connection was opened.
	ProbeConnected ProbeResult = "connected"
	// ProbeRefused: the network let it through, and nobody listens.
	ProbeRefused ProbeResult = "refused"
	// ProbeDropped: there was no answer, while somebody else got one from the same place.
	ProbeDropped ProbeResult = "dropped"
	// ProbeInconclusive: nothing can be told from it. It never means that somebody is kept away.
	ProbeInconclusive ProbeResult = "inconclusive"
)

// Probe is a connection that was tried on the data path, with the identity of a client.
type Probe struct {
	// Client is who was asked about: "deployment/web"; Namespace and Pod name the pod whose identity the connection had. They
	// are empty for who is no pod.
	Client    string `json:"client"`
	Namespace string `json:"namespace,omitempty"`
	Pod       string `json:"pod,omitempty"`
	// Target is "pod/NAME" or "service/NAME" of the cluster's namespace, "NAMESPACE/pod/NAME", "the API server", or an address or name
	// outside; Address, which may be such a name, and Port are what was connected to. They are empty when nothing was tried.
	Target  string `json:"target,omitempty"`
	Address string `json:"address,omitempty"`
	Port    uint16 `json:"port,omitempty"`
	// Expected is the engine's verdict.
	Expected Verdict     `json:"expected"`
	Result   ProbeResult `json:"result"`
	// Message says what was seen.
	Message string `json:"message"`
	// Control is who else got an answer from there; set for what was dropped.
	Control string `json:"control,omitempty"`
	// Contradicts is true when the result is not what the verdict says.
	Contradicts bool `json:"contradicts,omitempty"`
}
