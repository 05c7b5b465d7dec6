// Package v1beta1 has the types of frr-k8s that MetalLB's BGP mode of that name
// fills in. The controller links that mode and never runs it, so that they have to
// compile and no more.
package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// FRRConfiguration is what a node's frr-k8s is to do.
type FRRConfiguration struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec FRRConfigurationSpec
}

// FRRConfigurationSpec is the part of it that MetalLB writes.
type FRRConfigurationSpec struct {
	NodeSelector metav1.LabelSelector
	BGP          BGPConfig
}

// BGPConfig is the routers of a node.
type BGPConfig struct {
	Routers     []Router
	BFDProfiles []BFDProfile
}

// Router is one autonomous system in one VRF.
type Router struct {
	ASN       uint32
	ID, VRF   string
	Neighbors []Neighbor
	Prefixes  []string
}

// DynamicASNMode is "internal" or "external".
type DynamicASNMode string

// SecretReference names a Secret.
type SecretReference struct{ Name, Namespace string }

// Neighbor is a peer of a Router.
type Neighbor struct {
	ASN                                  uint32
	DynamicASN                           DynamicASNMode
	Address, Interface                   string
	Port                                 *uint16
	Password                             string
	PasswordSecret                       SecretReference
	HoldTime, KeepaliveTime, ConnectTime *metav1.Duration
	EBGPMultiHop, EnableGracefulRestart  bool
	DisableMP, DualStackAddressFamily    bool
	BFDProfile                           string
	ToAdvertise                          Advertise
}

// Advertise is what a Neighbor is told.
type Advertise struct {
	Allowed                   AllowedOutPrefixes
	PrefixesWithLocalPref     []LocalPrefPrefixes
	PrefixesWithCommunity     []CommunityPrefixes
	PrefixesWithAsPathPrepend []AsPathPrependPrefixes
}

// AllowedOutPrefixes is the prefixes that a Neighbor is told.
type AllowedOutPrefixes struct{ Prefixes []string }

// LocalPrefPrefixes is prefixes with a local preference.
type LocalPrefPrefixes struct {
	Prefixes  []string
	LocalPref uint32
}

// CommunityPrefixes is prefixes with a community.
type CommunityPrefixes struct {
	Prefixes  []string
	Community string
}

// AsPathPrependPrefixes is prefixes whose path is made longer.
type AsPathPrependPrefixes struct {
	Prefixes      []string
	AsPathPrepend uint8
}

// BFDProfile is the timing of a session's failure detection.
type BFDProfile struct {
	Name                                            string
	ReceiveInterval, TransmitInterval, EchoInterval *uint32
	DetectMultiplier, MinimumTTL                    *uint32
	EchoMode, PassiveMode                           *bool
}

// AddToScheme adds nothing: no object of this group is ever read.
func AddToScheme(*runtime.Scheme) error { return nil }

// DeepCopy is a copy that shares its lists.
func (c *FRRConfiguration) DeepCopy() *FRRConfiguration {
	copied := *c
	return &copied
}

// DeepCopyObject is DeepCopy as a runtime.Object.
func (c *FRRConfiguration) DeepCopyObject() runtime.Object { return c.DeepCopy() }

// DeepCopyInto copies s to out.
func (s *FRRConfigurationSpec) DeepCopyInto(out *FRRConfigurationSpec) { *out = *s }
