package cidrset

// OracleCount is how many blocks there are.
func OracleCount(s *CidrSet) int { return s.maxCIDRs }
