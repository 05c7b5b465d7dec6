// Package controllers stands in for the module of the same path, which no module
// proxy serves at the commit that Cilium asks for. Cilium's operator takes one name
// from it, for a cluster mesh, and the lab has none.
package controllers

// DerivedServiceAnnotation names on an imported Service the one derived from it.
const DerivedServiceAnnotation = "multicluster.kubernetes.io/derived-service"
