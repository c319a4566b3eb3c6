package command

import (
	"errors"
	"regexp"
	"strings"

	"github.com/whippet-ml/whippet/models"
)

// Libraries name their own fields in errors; a person at the command knows flags.
// flagOf says, for each command, which flag sets a field of the options that the
// command gives to libraries, or one of a field's values.
var flagOf = map[string]map[string]string{
	"serve": {
		"LabelStudio": "--label-studio", "MaxBatch": "--batch", "MaxWait": "--max-wait", "Queue": "--queue", "Requests": "--max-requests", "Explain": "--max-explain",
		"QueueTimeout": "--queue-timeout", "Connections": "--max-connections", "MaxBody": "--max-body", "MaxBodies": "--max-bodies",
		"MaxPictures": "--max-pictures", "MaxPixels": "--max-pixels", "Timeout": "--timeout", "BodyRate": "--min-body-rate", "Drain": "--drain",
		"Reload": "--reload", "Hosts": "--allowed-hosts", "TokenFile": "--tokens", "CertFile": "--tls-cert", "KeyFile": "--tls-key",
		"TopK": "--topk", "NoPage": "--no-page",
		"Batch": "--batch", "MaxBytes": "--max-body", // of the predictors it makes
	},
	"predict":   {"Batch": "--batch", "MaxPixels": "--max-pixels", "MaxBytes": "--max-bytes"},
	"train":     {"BatchSize": "--batch", "Balance": "--balance", "Repeats": "--aug-repeats", "Seed": "--seed", "Workers": "--workers", "SkipDamaged": "--damaged skip", "PathColumn": "--path-column", "AllTrain": "--valid 0", "Every": "--checkpoint-every", "Keep": "--checkpoint-keep", "Address": "--address", "Size": "--size", "MinScale": "--min-scale"},
	"folds":     {"BatchSize": "--batch", "Balance": "--balance", "Repeats": "--aug-repeats", "Seed": "--seed", "Workers": "--workers", "SkipDamaged": "--damaged skip", "PathColumn": "--path-column", "Every": "--checkpoint-every", "Keep": "--checkpoint-keep", "Size": "--size", "MinScale": "--min-scale"},
	"lr-find":   {"BatchSize": "--batch", "Balance": "--balance", "Repeats": "--aug-repeats", "Seed": "--seed", "Workers": "--workers", "SkipDamaged": "--damaged skip", "PathColumn": "--path-column", "AllTrain": "--valid 0", "Size": "--size", "MinScale": "--min-scale"},
	"interpret": {"BatchSize": "--batch", "Workers": "--workers", "SkipDamaged": "--damaged skip", "PathColumn": "--path-column", "AllTrain": "--valid 0"},
	"clean":     {"BatchSize": "--batch", "Workers": "--workers", "SkipDamaged": "--damaged skip", "PathColumn": "--path-column", "AllTrain": "--valid 0", "Bits": "--duplicate-bits"},
	"export":    {"Batch": "--batch", "Probabilities": "--softmax", "Pixels": "--pixels", "Preprocess": "--preprocess"},
}

// fieldName finds what may be the name of a field: with the type it belongs to,
// and with the package that the error begins with; or alone, when it is no
// English word. Parts of paths and quoted text are none.
var fieldName = regexp.MustCompile(`((?:\b[a-z]+: )?\b[A-Za-z]*Options\.(?:Decode\.)?)?\b([A-Z]\w*)`)

// compound is a name of several words.
var compound = regexp.MustCompile(`^[A-Z][a-z]+[A-Z]`)

// said are other words of libraries for what flags say.
var said = []struct {
	is *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`set ItemTransforms to a resize such as vision\.Resize\((\d+)\)`), "give --presize, such as --presize $1"},
	{regexp.MustCompile(`\bRandomSplit\(([^,()]+), seed (\d+)\)`), "--valid $1 (--split-seed $2)"},
	{regexp.MustCompile(`\bStratifiedSplit\(([^,()]+), seed (\d+)\)`), "--valid $1 --stratify (--split-seed $2)"},
	{regexp.MustCompile(`\bGroupSplit\(([^,()]+), seed (\d+), groups by (.*?)(?:, stratified)?\) leaves`), "--valid $1 by groups of $3 (--split-seed $2) leaves"},
	{regexp.MustCompile(`\bFoldSplit\((\d+) of (\d+), seed (\d+)[^()]*\)`), "--valid fold:$1/$2 (--split-seed $3)"},
	{regexp.MustCompile(`, or let the split be made by groups$`), ", or let --valid be a share, such as 0.2, which does not part them"},
	{regexp.MustCompile(`; another seed of the split may part them, or stratify it$`), "; another --split-seed may part them, or --stratify"},
	{regexp.MustCompile("\\bthe labeler RegexLabel\\(`([^`]*)`\\)"), "--label 'regex:$1'"},
	{regexp.MustCompile("\\bRegexLabel\\(`([^`]*)`\\)"), "--label 'regex:$1'"},
	{regexp.MustCompile(`\b(?:the labeler )?ParentLabel\b`), "--label folder"},
	{regexp.MustCompile(`\b(?:the labeler )?TreeLabels\b`), "--label folders"},
	{regexp.MustCompile(`\b(?:the labeler )?ColumnLabels\("([^"]*)", ("[^"]*")\)`), "the column $1 of --label csv:FILE:$1 with --label-delim $2"},
	{regexp.MustCompile(`\b(?:the labeler )?MarkColumns\(\[([^\]]*)\]\)`), "the columns $1 of --label columns:FILE"},
	{regexp.MustCompile(`\b(?:the labeler )?NumberColumns\(\[([^\]]*)\]\)`), "the columns $1 of --label csv:FILE:COLUMNS"},
	{regexp.MustCompile(`\bColumnSplit\("([^"]*)"\)`), "--valid column:$1"},
	{regexp.MustCompile(` \(AllValid does so on purpose\)`), ": mark some for training"},
	{regexp.MustCompile(`\b(?:the labeler )?ColumnLabel\("([^"]*)"\)`), "the column $1 of --label csv:FILE:$1"},
	{regexp.MustCompile(`\(LRFind suggests one\)`), "(whippet lr-find suggests one)"},
	{regexp.MustCompile(`, or set a vocabulary that has it$`), ": the model does not have the class"},
	{regexp.MustCompile(`; name the column of the paths, or give the folder that they start from$`), "; name the column of the paths with --path-column, or give the folder that they start from with --data"},
}

// inFlags returns the text of a command's error in its own words.
func inFlags(command, text string) string {
	flags := flagOf[command]
	if flags["BatchSize"] != "" { // it trains or judges
		for _, s := range said {
			text = s.is.ReplaceAllString(text, s.by)
		}
	}
	var b strings.Builder
	from := 0
	for _, m := range fieldName.FindAllStringSubmatchIndex(text, -1) {
		start, end, name := m[0], m[1], text[m[4]:m[5]]
		flag, ok := flags[name]
		if !ok || end < len(text) && strings.IndexByte(`/\'"`, text[end]) >= 0 {
			continue
		}
		if m[2] < 0 && (!compound.MatchString(name) || start > 0 && strings.IndexByte(" (", text[start-1]) < 0) {
			continue
		}
		b.WriteString(text[from:start])
		b.WriteString(flag)
		from = m[1]
	}
	return b.String() + text[from:]
}

// nextStep says which command takes what this one could not use, "" if none does.
func nextStep(err error) string {
	switch {
	case errors.Is(err, models.ErrNoClassifier):
		return "; whippet import makes a model of the weights of fastai's learners, and whippet train --weights starts from a body"
	case errors.Is(err, models.ErrOtherHead):
		return "; such a network can be the start of training, with whippet train --weights"
	}
	return ""
}
