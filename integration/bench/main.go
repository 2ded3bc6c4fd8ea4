// Command bench measures tpfs with a dump of 4 GiB: how soon a mount answers,
// how much memory its server takes, and how long a restore through it takes
// beside the same restore without it.
//
// The dump is that of the example on aarch64, with a mapping of zeros added.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/vma"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/integration"
)

const (
	bulk  = 4 << 30     // bytes of zeros
	at    = 0x100000000 // their address
	times = 5           // each restore is run so often
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal("bench: ", err)
	}
}

func run(ctx context.Context) (err error) {
	w, err := integration.NewWorld(ctx, integration.Config{
		Programs: []string{"build/counter/counter"}, TPFS: "build/bin", Logf: log.Printf,
		MemoryMB: map[string]int{"x86_64": 7 << 10},
	})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
	}()
	p, err := w.Start(ctx, "aarch64", "bench", "sleepy")
	if err != nil {
		return err
	}
	if _, err := p.Await(ctx, 2); err != nil {
		return err
	}
	if _, err := p.Pause(ctx); err != nil {
		return err
	}
	if err := p.Dump(ctx, "/nfs/dump"); err != nil {
		return err
	}
	if err := enlarge(w.Host("/nfs/dump"), p.PID); err != nil {
		return err
	}
	if err := onHost(w); err != nil {
		return err
	}
	return inGuest(ctx, w, p.PID)
}

// enlarge adds the zeros to a dump. They take no space on disk.
func enlarge(dir string, pid int) error {
	d, err := criuimg.OpenDir(dir)
	if err != nil {
		return err
	}
	defer d.Close()

	name := fmt.Sprintf("mm-%d.img", pid)
	img, err := d.ReadImage(name)
	if err != nil {
		return err
	}
	m, err := criuimg.As[*mm.MmEntry](img.Entries[0])
	if err != nil {
		return err
	}
	zeros := &vma.VmaEntry{
		Start: proto.Uint64(at), End: proto.Uint64(at + bulk), Pgoff: proto.Uint64(0), Shmid: proto.Uint64(0),
		Prot: proto.Uint32(3), Flags: proto.Uint32(0x22), Status: proto.Uint32(1<<0 | 1<<9), Fd: proto.Int64(-1),
	}
	i := slices.IndexFunc(m.Vmas, func(v *vma.VmaEntry) bool { return v.GetStart() > at })
	m.Vmas = slices.Insert(m.Vmas, i, zeros)
	img.Entries[0].SetMessage(m)
	b, err := img.Bytes()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		return err
	}

	name = fmt.Sprintf("pagemap-%d.img", pid)
	f, err := d.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	pm, err := criuimg.ReadPagemap(name, f, f.Size())
	if err != nil {
		return err
	}
	// What lies above is the vDSO, which does not go over.
	pm.Extents = slices.DeleteFunc(pm.Extents, func(e criuimg.Extent) bool { return e.Addr >= at })
	var small int64
	for _, e := range pm.Extents {
		small += int64(e.Pages * criuimg.PageSize)
	}
	pm.Extents = append(pm.Extents, criuimg.Extent{Addr: at, Pages: bulk / criuimg.PageSize, Flags: criuimg.PEPresent})
	if b, err = pm.Image(name); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		return err
	}
	pages := filepath.Join(dir, fmt.Sprintf("pages-%d.img", pm.PagesID))
	if err := os.Truncate(pages, small); err != nil {
		return err
	}
	return os.Truncate(pages, small+bulk)
}

// onHost mounts the dump on this machine and reads all of it.
func onHost(w *integration.World) error {
	view, err := os.MkdirTemp("", "tpfs-bench-")
	if err != nil {
		return err
	}
	defer os.Remove(view)
	begin := time.Now()
	if out, err := exec.Command("build/bin/tpfs.amd64", "mount", "--arch", "x86_64", "--sysroot", w.Host("/"), w.Host("/nfs/dump"), view).CombinedOutput(); err != nil {
		return fmt.Errorf("tpfs mount: %w\n%s", err, out)
	}
	mounted := time.Since(begin)
	n, err := readAll(view)
	peak, peakErr := peakMemory(view)
	if out, umountErr := exec.Command("build/bin/tpfs.amd64", "umount", view).CombinedOutput(); umountErr != nil {
		return fmt.Errorf("tpfs umount: %w\n%s", umountErr, out)
	}
	if err != nil {
		return err
	}
	if peakErr != nil {
		return peakErr
	}
	fmt.Printf("on this host:  tpfs mount answers after %.0f ms; after %.1f GiB were read through it the server has taken %.1f MiB at most\n",
		mounted.Seconds()*1e3, float64(n)/(1<<30), peak)
	return nil
}

func readAll(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		n, err := io.Copy(io.Discard, f)
		total += n
		return err
	})
	return total, err
}

// peakMemory of the server of a mount, in MiB.
func peakMemory(view string) (float64, error) {
	pid, err := os.ReadFile(filepath.Join(view, ".tpfs/pid"))
	if err != nil {
		return 0, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%s/status", strings.TrimSpace(string(pid))))
	if err != nil {
		return 0, err
	}
	return parsePeak(string(status))
}

func parsePeak(status string) (float64, error) {
	for line := range strings.Lines(status) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			kib, err := strconv.ParseFloat(f[1], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("no VmHWM in %q", status)
}

// inGuest restores the dump in the x86_64 guest, through tpfs and, in turns,
// from what tpfs convert wrote, whose parent is the same dump.
func inGuest(ctx context.Context, w *integration.World, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	g := w.Guests["x86_64"]
	// The dump is local, so that the network is not what is measured.
	if _, err := g.Output(ctx, fmt.Sprintf(`set -e
mkdir -p /tmp/dump /tmp/view /tmp/direct
cd /nfs/dump
for f in *.img; do case $f in pages-*) ;; *) cp $f /tmp/dump/;; esac; done
for f in pages-*; do dd if=$f of=/tmp/dump/$f bs=4096 count=$((($(stat -c %%s $f) - %d) / 4096)) 2>/dev/null; truncate -s $(stat -c %%s $f) /tmp/dump/$f; done
tpfs mount --arch x86_64 /tmp/dump /tmp/view
for f in /tmp/view/*.img; do cp $f /tmp/direct/; done
ln -s /tmp/dump /tmp/direct/parent`, bulk)); err != nil {
		return err
	}
	// CRIU wants the program's output to be as long as it was.
	output := w.Host("/nfs/bench.out")
	info, err := os.Stat(output)
	if err != nil {
		return err
	}
	seconds := map[string][]float64{}
	for range times {
		for _, dir := range []string{"/tmp/view", "/tmp/direct"} {
			s, err := restore(ctx, w, dir, pid)
			if err != nil {
				return err
			}
			if err := os.Truncate(output, info.Size()); err != nil {
				return err
			}
			seconds[dir] = append(seconds[dir], s)
		}
	}
	status, err := g.Output(ctx, "cat /proc/$(cat /tmp/view/.tpfs/pid)/status")
	if err != nil {
		return err
	}
	peak, err := parsePeak(status)
	if err != nil {
		return err
	}
	through, direct := median(seconds["/tmp/view"]), median(seconds["/tmp/direct"])
	fmt.Printf("in the guest:  criu restore of 4 GiB takes %.2f s through tpfs, %.2f s without (medians of %d in turns): ratio %.2f; the server has taken %.1f MiB at most\n",
		through, direct, times, through/direct, peak)
	_, err = g.Output(ctx, "tpfs umount /tmp/view")
	return err
}

// restore restores from dir, ends what was restored, and gives the seconds that
// criu took.
func restore(ctx context.Context, w *integration.World, dir string, pid int) (float64, error) {
	out, err := w.Guests["x86_64"].Output(ctx, fmt.Sprintf(`begin=$(cut -d' ' -f1 /proc/uptime)
criu restore -D %s -o /tmp/restore.log -d || { tail -n 20 /tmp/restore.log; exit 1; }
end=$(cut -d' ' -f1 /proc/uptime)
kill -9 %[2]d
while test -d /proc/%[2]d; do sleep 0.1; done
echo $begin $end`, dir, pid))
	if err != nil {
		return 0, err
	}
	var begin, end float64
	if _, err := fmt.Sscan(out, &begin, &end); err != nil {
		return 0, fmt.Errorf("%q: %w", out, err)
	}
	return end - begin, nil
}

func median(s []float64) float64 {
	slices.Sort(s)
	return s[len(s)/2]
}
