//go:build amd64 && !noasm

package cpu

func gemmNCall(g *gemmArgs) { gemmNGo(tileRows(), tileCols(), g) }

func gemmTCall(g *gemmArgs) { gemmTGo(tileRowsT(), tileCols(), g) }
