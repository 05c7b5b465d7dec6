package plan

// Parse reads a plan file. It returns every problem of the file's form at once
// (syntax, unknown and missing fields, values that are no address), each of
// severity Error, and a nil Plan when there is one. Whether the ranges fit
// together is Validate's business.
func Parse(source string, data []byte) (*Plan, []Problem) {
	panic("to be written")
}
