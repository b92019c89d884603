package change

// rounds are the steps of a lane in groups that are looked at together: one step of each cluster, and alone those that
// are about a whole namespace.
//
// The policies of a pod are those of its cluster and those of the whole namespace. Between two steps of the latter, the clusters of a
// namespace are as independent as lanes are. So every state of a pod that the lane leads through, step by step, is one that it
// has after some round, and what is allowed after each round is allowed after each step. A namespace of a thousand
// clusters with one default deny has thousands of steps, and a few rounds.
func (l lane) rounds() [][]Step {
	var out [][]Step
	begun, made := 0, map[string]int{}
	for _, s := range l.steps {
		name := clusterOf(s)
		if name == "" {
			out = append(out, []Step{s})
			begun, made = len(out), map[string]int{}
			continue
		}
		at := begun + made[name]
		made[name]++
		if at == len(out) {
			out = append(out, nil)
		}
		out[at] = append(out[at], s)
	}
	return out
}

// fine tells whether nothing is wrong with any cluster in any state that the plan leads through, the one at its end included if
// that counts. False does not say where: see at, which looks at every step.
func (w *walk) fine(end bool) (bool, error) {
	var lanes [][][]Step
	last := 0
	for _, l := range w.lanes {
		rounds := l.rounds()
		lanes = append(lanes, rounds)
		last = max(last, len(rounds))
	}
	if !end {
		last--
	}
	for n := 1; n <= last; n++ {
		var steps []Step
		for _, rounds := range lanes {
			for _, round := range rounds[:min(n, len(rounds))] {
				steps = append(steps, round...)
			}
		}
		then, err := w.m.With(applied(w.policies, steps))
		if err != nil {
			return false, err
		}
		for _, c := range w.m.Clusters() {
			if len(w.wrong(then, c, Step{})) > 0 {
				return false, nil
			}
		}
	}
	return true, nil
}
