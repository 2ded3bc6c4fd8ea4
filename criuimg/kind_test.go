package criuimg

import (
	"strings"
	"testing"
)

func TestKindOf(t *testing.T) {
	tests := []struct {
		name      string
		magic     string
		container Container
		id        int64 // -1: none
	}{
		{"inventory.img", "INVENTORY", Inventory, -1},
		{"core-123.img", "CORE", Common, 123},
		{"core-0.img", "CORE", Common, 0},
		{"mm-4294967295.img", "MM", Common, 4294967295},
		{"pagemap-1.img", "PAGEMAP", Common, 1},
		{"pagemap-shmem-77.img", "PAGEMAP", Common, 77},
		{"ghost-file-ff.img", "GHOST_FILE", Common, 255},
		{"tcp-stream-10.img", "TCP_STREAM", Common, 16},
		{"netns-9.img", "NETNS", Common, 9},
		{"netns-ct-9.img", "", Raw, 9},
		{"pages-3.img", "", Raw, 3},
		{"tmpfs-dev-5.tar.gz.img", "", Raw, 5},
		{"memfd.img", "MEMFD_INODE", Common, -1},
		{"pidfd.img", "PIDFD", Common, -1},
		{"stats-dump", "STATS", Service, -1},
		{"stats-restore", "STATS", Service, -1},
		{"irmap-cache", "IRMAP_CACHE", Service, -1},
		{"ipcns-var-9.img", "IPC_VAR", Common, 9},
		{"mountpoints-12.img", "MNTS", Common, 12},
	}
	for _, test := range tests {
		k, ok := KindOf(test.name)
		if !ok || k.Magic != test.magic || k.Container != test.container {
			t.Errorf("%s: %+v, %v; want %s, %v", test.name, k, ok, test.magic, test.container)
		}
		id, ok := IDOf(test.name)
		if ok != (test.id >= 0) || ok && id != uint64(test.id) {
			t.Errorf("%s: id %d, %v; want %d", test.name, id, ok, test.id)
		}
	}
	unknown := []string{"", "core.img", "core-.img", "core-1", "core-01.img", "core-+1.img", "core--1.img", "core-1a.img",
		"core-18446744073709551616.img", "ghost-file-FF.img", "ghost-file-0x1.img", "xcore-1.img", "core-1.img.bak",
		"parent", "stats-", "stats-dump.img", "dump.log", "pagemap-shmem-.img", "core-1.img\x00"}
	for _, name := range unknown {
		if k, ok := KindOf(name); ok {
			t.Errorf("%q is taken for a %+v", name, k)
		}
		if id, ok := IDOf(name); ok {
			t.Errorf("%q has the id %d", name, id)
		}
	}
}

// sampleName gives a file name of the kind.
func sampleName(k Kind) string {
	return strings.NewReplacer("%u", "12", "%x", "1f").Replace(k.Template)
}

func TestKindTable(t *testing.T) {
	for _, k := range kinds {
		name := sampleName(k)
		got, ok := KindOf(name)
		if !ok || got.Template != k.Template {
			t.Errorf("%s is taken for a %q", name, got.Template)
		}
		if k.Framed() != (k.Magic != "") || k.Framed() != (k.magic != 0) {
			t.Errorf("%s: magic %q, 0x%x, container %d", name, k.Magic, k.magic, k.Container)
		}
		if k.Known() != (k.Framed() && k.Magic != "PIDFD") {
			t.Errorf("%s: has no type", name)
		}
	}
	if commonMagic != testCommon || serviceMagic != testService {
		t.Errorf("common magic 0x%x, service magic 0x%x", commonMagic, serviceMagic)
	}
}
