package main

import "math/big"

// few is how many addresses are taken one by one to see how many there are.
const few = 70

// offsets is where the first three and the last three addresses of a block are.
func offsets(ones, bits int) []*big.Int {
	size := new(big.Int).Lsh(big.NewInt(1), uint(bits-ones))
	found := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(2)}
	for _, n := range []int64{3, 2, 1} {
		found = append(found, new(big.Int).Sub(size, big.NewInt(n)))
	}
	return found
}

// shifted is the address at this offset from base; nil when that is none.
func shifted(base []byte, offset *big.Int) []byte {
	sum := new(big.Int).Add(new(big.Int).SetBytes(base), offset)
	if sum.Sign() < 0 || sum.BitLen() > 8*len(base) {
		return nil
	}
	return sum.FillBytes(make([]byte, len(base)))
}
