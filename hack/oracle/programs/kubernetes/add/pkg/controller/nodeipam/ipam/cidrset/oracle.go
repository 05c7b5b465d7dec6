package cidrset

import "net"

// OracleCounts is how many blocks there are, and how many are left.
func (s *CidrSet) OracleCounts() (all, left int) { return s.maxCIDRs, s.maxCIDRs - s.allocatedCIDRs }

// OracleBlock is the block at index.
func (s *CidrSet) OracleBlock(index int) *net.IPNet { return s.indexToCIDRBlock(index) }
