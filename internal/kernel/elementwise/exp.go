package elementwise

import "math"

// This file holds the exponential function of arguments that are not positive,
// of which the smooth activations are made. The assembly does the same with the
// same constants.
//
// exp(t) is 2^n*exp(r), n being the integer nearest to t/ln(2) and r what is left
// of t, at most ln(2)/2 to either side. exp(r) is 1 + r + r²*q(r), where q, of
// degree 4, was fitted by Remez's algorithm; it is exact to 3e-9 of the value.

const (
	// expShift added to a number moves its nearest integer to the last bits of
	// the sum, 127, the bias of a float32's exponent, being added to it.
	expShift = 1<<23 + 1<<22 + 127

	// expLowest is where the result is 0: n is -127, the exponent of 0.
	expLowest = -88

	log2E = 1.44269504088896340736
	// ln(2) in two parts, the first of so few bits that n times it is exact.
	ln2High = 355.0 / 512
	ln2Low  = 0.69314718055994530942 - ln2High

	exp2 = 0.4999999341231811 // the coefficients of r², r³, …
	exp3 = 0.1666652010744082
	exp4 = 0.04166839426624266
	exp5 = 0.008368780445930618
	exp6 = 0.001381446571805991
)

// expNegative is exp(t) for t <= 0, and 0 below about -87.7.
func expNegative(t float32) float32 {
	t = max(t, expLowest)
	z := float32(t*log2E) + expShift
	n := z - expShift
	r := t - float32(n*ln2High)
	r -= float32(n * ln2Low)
	p := float32(exp6)
	p = float32(p*r) + exp5
	p = float32(p*r) + exp4
	p = float32(p*r) + exp3
	p = float32(p*r) + exp2
	p = float32(p*r) + 1
	p = float32(p*r) + 1
	return p * math.Float32frombits(math.Float32bits(z)<<23)
}
