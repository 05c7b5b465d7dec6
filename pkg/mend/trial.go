package mend

// Outcome is what came of trying a step.
type Outcome string

// The outcomes.
const (
	NotTried Outcome = "not tried"
	Accepted Outcome = "accepted" // by the API server, in a dry run
	Refused  Outcome = "refused"
)

// Trial is what an API server says of a step.
type Trial struct {
	Outcome Outcome
	Detail  string   // why not, or the server's words
	Undo    []string // the commands that take the step back, the last action's first
}

// Triable reports whether an API server can try the step by itself, each action as if
// it were the only one; if not, why not.
func (s Step) Triable() (ok bool, why string) {
	switch {
	case !s.Command():
		return false, "it is by hand"
	case len(s.Blanks) > 0:
		return false, "it has blanks"
	case s.When != "":
		return false, "it is not for every cluster"
	}
	objects := 0
	for _, a := range s.Actions {
		switch a.Verb {
		case Patch, JSON, Create, Apply:
			objects++
		case Delete:
			if len(s.Actions) > 1 {
				return false, "what it makes takes what it deletes first to be gone"
			}
			return false, "it deletes"
		case Rewrite:
			return false, "another program writes what is applied"
		}
	}
	if objects == 0 {
		return false, "it changes no object of the API itself"
	}
	return true, ""
}
