package plot

// shorten cuts a name in the middle so that it is at most width points long:
// names of classes often differ in their endings. It counts in characters and
// leaves at least one on either side.
func shorten(s string, f fontSpec, width float64) string {
	if len(s) < 4000 && f.width(s) <= width {
		return s
	}
	r := []rune(s)
	if n := 400; len(r) > n { // no label shows more; measuring it would take long
		r = append(r[:n/2:n/2], r[len(r)-n/2:]...)
	}
	lo, hi := 2, len(r)-1 // characters kept
	best := string(r[:1]) + "…"
	for lo <= hi {
		keep := (lo + hi) / 2
		head := (keep + 1) / 2
		t := string(r[:head]) + "…" + string(r[len(r)-(keep-head):])
		if f.width(t) <= width {
			best, lo = t, keep+1
		} else {
			hi = keep - 1
		}
	}
	return best
}

// shortened cleans and shortens names, and returns the longest in points.
func shortened(names []string, f fontSpec, limit float64) (out []string, widest float64) {
	out = make([]string, len(names))
	for i, s := range names {
		out[i] = shorten(clean(s), f, limit)
		widest = max(widest, f.width(out[i]))
	}
	return out, widest
}

// wrap breaks text into lines at spaces and underscores, at most lines of
// them, the last shortened.
func wrap(s string, f fontSpec, width float64, lines int) []string {
	var out []string
	rest := []rune(clean(s))
	for len(rest) > 0 && len(out) < lines {
		if f.width(string(rest)) <= width || len(out) == lines-1 {
			return append(out, shorten(string(rest), f, width))
		}
		cut, space := 0, 0
		for cut < len(rest) && f.width(string(rest[:cut+1])) <= width {
			cut++
			if c := rest[cut-1]; c == ' ' || c == '_' || c == '-' || c == '/' {
				space = cut
			}
		}
		if space > 0 {
			cut = space
		}
		cut = max(cut, 1)
		line := rest[:cut]
		if line[len(line)-1] == ' ' {
			line = line[:len(line)-1]
		}
		out = append(out, string(line))
		rest = rest[cut:]
	}
	return out
}
