// The sources below are built inside of the modules of the components, never
// here: this file keeps them out of the plugin's module.
module github.com/kubectl-dualstack/kubectl-dualstack/hack/oracle/programs

go 1.26.0
