package hevc

// Color says how samples become RGB: the codes of ITU-T H.273, 2 where the
// stream does not tell.
type Color struct {
	Primaries, Matrix int
	FullRange         bool
}

// parseVUI reads the colors from the video usability information (annex E.2) and
// skips the rest: the extensions of the sequence come after it.
func parseVUI(r *bitReader, s *sequence, sub int) {
	if r.flag() && r.u(8) == 255 {
		r.skip(32)
	}
	if r.flag() {
		r.flag()
	}
	if r.flag() {
		r.u(3)
		s.color.FullRange = r.flag()
		s.color.Primaries = 2
		if r.flag() {
			s.color.Primaries = r.u(8)
			r.u(8)
			s.color.Matrix = r.u(8)
		}
	}
	if r.flag() {
		r.ue()
		r.ue()
	}
	r.u(3)
	if r.flag() {
		for range 4 {
			r.ue()
		}
	}
	if r.flag() {
		r.skip(64)
		if r.flag() {
			r.ue()
		}
		if r.flag() {
			skipHRD(r, sub)
		}
	}
	if r.flag() {
		r.u(3)
		for range 5 {
			r.ue()
		}
	}
}

// skipHRD skips the parameters of the hypothetical reference decoder (E.2.2).
func skipHRD(r *bitReader, sub int) {
	nal, vcl := r.flag(), r.flag()
	parts := false
	if nal || vcl {
		if parts = r.flag(); parts {
			r.u(19)
		}
		r.u(8)
		if parts {
			r.u(4)
		}
		r.u(15)
	}
	for i := 0; i <= sub && !r.short; i++ {
		fixed := r.flag()
		within := fixed || r.flag()
		low := false
		if within {
			r.ue()
		} else {
			low = r.flag()
		}
		n := 1
		if !low {
			n += r.ue()
		}
		for _, present := range []bool{nal, vcl} {
			for k := 0; present && k < n && !r.short; k++ {
				r.ue()
				r.ue()
				if parts {
					r.ue()
					r.ue()
				}
				r.flag()
			}
		}
	}
}
