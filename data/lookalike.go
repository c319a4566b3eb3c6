package data

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// This file warns of labels that look the same and are not: two classes would
// be trained where a person sees one.

// lookAlikes returns a warning for every group of labels that look the same.
func lookAlikes(labels []string) (warnings []string) {
	for _, g := range alikeNames(labels) {
		warnings = append(warnings, fmt.Sprintf("labels that look alike are different classes: %s; if they mean the same, spell them alike", g))
	}
	return warnings
}

// alikeNames says, for every set of names that look the same, which they are, how often
// they occur, and in what they differ.
func alikeNames(all []string) []string {
	count := map[string]int{}
	for _, l := range all {
		count[l]++
	}
	groups := map[string][]string{}
	for l := range count {
		k := skeleton(l)
		groups[k] = append(groups[k], l)
	}
	var said []string
	for _, g := range groups {
		if len(g) < 2 {
			continue
		}
		slices.Sort(g)
		var parts []string
		for _, l := range g {
			parts = append(parts, fmt.Sprintf("%+q (%d)", l, count[l]))
		}
		said = append(said, fmt.Sprintf("%s differ in %s", strings.Join(parts, " and "), difference(g[0], g[1])))
	}
	slices.Sort(said)
	return said
}

// missing returns a warning for labels that programs write where there is none.
func missing(labels []string) []string {
	count := map[string]int{}
	for _, l := range labels {
		switch strings.ToLower(strings.TrimSpace(l)) {
		case "nan", "na", "n/a", "#n/a", "<na>", "null", "nil", "undefined":
			count[l]++
		}
	}
	var warnings []string
	for _, l := range slices.Sorted(maps.Keys(count)) {
		warnings = append(warnings, fmt.Sprintf("the class %q (%d) is called as programs write a missing value; if the label is missing, leave these pictures out", l, count[l]))
	}
	return warnings
}

// skeleton is what a person sees of a label: without case, the form of its
// accents, the kind and number of its spaces, dashes and quotation marks, and
// with Latin letters for those of other scripts that look like them; numbers by
// their value.
func skeleton(label string) string {
	if v, err := strconv.ParseFloat(label, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	s := strings.Join(strings.FieldsFunc(norm.NFKC.String(label), separates), " ")
	return strings.Map(func(r rune) rune {
		if t, ok := twins[r]; ok {
			return t
		}
		return r
	}, strings.ToLower(s))
}

// separates reports what stands between the words of a label. An underscore and
// a hyphen do, since folders and tables often differ in them.
func separates(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\r', '\u00a0', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '_', '-', '\u00ad', '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212':
		return true
	}
	return unicode.IsControl(r)
}

// twins are lower-case letters and marks that look like Latin ones.
var twins = map[rune]rune{
	'а': 'a', 'е': 'e', 'о': 'o', 'р': 'p', 'с': 'c', 'х': 'x', 'у': 'y', 'і': 'i', 'ј': 'j', 'ѕ': 's', 'һ': 'h', 'к': 'k', 'м': 'm', 'т': 't', 'в': 'b', 'н': 'h', // Cyrillic
	'ο': 'o', 'α': 'a', 'ν': 'v', 'ρ': 'p', 'ι': 'i', 'κ': 'k', 'τ': 't', // Greek
	'’': '\'', '‘': '\'', '´': '\'', '`': '\'', '“': '"', '”': '"',
}

// difference says in which way two labels of one skeleton differ.
func difference(a, b string) string {
	_, errA := strconv.ParseFloat(a, 64)
	_, errB := strconv.ParseFloat(b, 64)
	switch {
	case errA == nil && errB == nil:
		return "how the number is written"
	case norm.NFC.String(a) == norm.NFC.String(b):
		return "how their accents are encoded (Unicode composed and decomposed)"
	case strings.EqualFold(a, b):
		return "upper and lower case"
	case strings.EqualFold(strings.Join(strings.FieldsFunc(a, separates), " "), strings.Join(strings.FieldsFunc(b, separates), " ")):
		return "spaces, dashes or underscores"
	}
	return "characters that look the same"
}
