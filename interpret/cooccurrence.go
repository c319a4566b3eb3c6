package interpret

// CoOccurrence counts pictures by pairs of labels: in truth [a][b] is how many have
// both label a and label b, in answers how many are answered with both. On the
// diagonal stands how many have the label at all, or are answered with it. The two side by side show which
// labels the model ties together more, or less, than the pictures do. Labels outside the vocabulary are not counted.
func (t *Table) CoOccurrence() (truth, answers [][]int) {
	index := make(map[string]int, len(t.Vocab))
	for k, l := range t.Vocab {
		index[l] = k
	}
	count := func(of func(Row) []string) [][]int {
		m := make([][]int, len(t.Vocab))
		for k := range m {
			m[k] = make([]int, len(t.Vocab))
		}
		for _, r := range t.Rows {
			var has []int
			for _, l := range of(r) {
				if k, ok := index[l]; ok {
					has = append(has, k)
				}
			}
			for _, a := range has {
				for _, b := range has {
					m[a][b]++
				}
			}
		}
		return m
	}
	return count(func(r Row) []string { return r.Labels }), count(func(r Row) []string { return r.Answers })
}
