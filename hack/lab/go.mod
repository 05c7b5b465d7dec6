module github.com/kubectl-dualstack/kubectl-dualstack/hack/lab

go 1.26.0
