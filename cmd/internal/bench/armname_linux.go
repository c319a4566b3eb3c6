package bench

// armNames has the names of cores by the numbers of their maker and part that
// MIDR_EL1 holds (Arm's technical reference manuals, Linux's cputype.h).
var armNames = map[[2]string]string{
	{"0x41", "0xd03"}: "Cortex-A53",
	{"0x41", "0xd07"}: "Cortex-A57",
	{"0x41", "0xd08"}: "Cortex-A72",
	{"0x41", "0xd0b"}: "Cortex-A76",
	{"0x41", "0xd0c"}: "Neoverse N1",
	{"0x41", "0xd40"}: "Neoverse V1",
	{"0x41", "0xd49"}: "Neoverse N2",
	{"0x41", "0xd4f"}: "Neoverse V2",
	{"0xc0", "0xac3"}: "AmpereOne",
	{"0x61", "0x022"}: "Apple M1, efficient core",
	{"0x61", "0x023"}: "Apple M1",
}

// armName is the name of a core, or its numbers if it is none of those known.
func armName(maker, part string) string {
	if name, ok := armNames[[2]string{maker, part}]; ok {
		return name
	}
	if part == "" {
		return ""
	}
	return "maker " + maker + ", part " + part
}
