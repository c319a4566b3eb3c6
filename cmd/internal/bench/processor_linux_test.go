package bench

import "testing"

func TestProcessorName(t *testing.T) {
	for text, want := range map[string]string{
		"processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9R14\nprocessor\t: 1\nmodel name\t: other\n":            "AMD EPYC 9R14",
		"processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\nCPU revision\t: 1\n": "Neoverse N1",
		"processor\t: 0\nCPU implementer\t: 0x99\nCPU part\t: 0x123\n":                                                             "maker 0x99, part 0x123",
		"": "",
	} {
		if got := nameIn(text); got != want {
			t.Errorf("the processor of %q is %q, not %q", text, got, want)
		}
	}
}
