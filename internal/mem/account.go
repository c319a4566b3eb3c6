package mem

import (
	"cmp"
	"slices"
	"sync"
)

// Account is what is held under one name, in use or free.
type Account struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// holder is something that holds memory.
type holder interface{ Bytes() int64 }

// holders are those that are in use, with the names of their accounts.
var holders struct {
	sync.Mutex
	names map[holder]string
}

func register(name string, h holder) {
	holders.Lock()
	defer holders.Unlock()
	if holders.names == nil {
		holders.names = map[holder]string{}
	}
	holders.names[h] = name
}

func unregister(h holder) {
	holders.Lock()
	defer holders.Unlock()
	delete(holders.names, h)
}

// Held returns how much memory this package holds under each name, most first.
func Held() []Account {
	holders.Lock()
	sums := map[string]int64{}
	for h, name := range holders.names {
		sums[name] += h.Bytes()
	}
	holders.Unlock()
	var all []Account
	for name, bytes := range sums {
		all = append(all, Account{name, bytes})
	}
	slices.SortFunc(all, func(a, b Account) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name))
	})
	return all
}
