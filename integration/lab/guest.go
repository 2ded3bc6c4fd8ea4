package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// DefaultTimeout bounds a script if its context has no deadline.
	DefaultTimeout = 2 * time.Minute

	// bootTimeout is many times what a boot takes, since all of it is emulated
	// and the machine may be busy.
	bootTimeout = 5 * time.Minute
)

// machine is what QEMU emulates for an architecture.
type machine struct {
	qemu    string
	board   string
	cpu     string // unless the configuration says otherwise
	console string // its first serial line, as Linux calls it
	params  string // of its kernel
}

var machines = map[string]machine{
	// The kernel would test whether the timer ticks by counting its own
	// instructions, and panic if this host is busy and lets it wait.
	"amd64": {"qemu-system-x86_64", "q35", "max", "ttyS0", "no_timer_check"},
	"arm64": {"qemu-system-aarch64", "virt,gic-version=3", "cortex-a72", "ttyAMA0", ""},
}

// Config says what guest to start. Only Arch must be set.
type Config struct {
	Arch     string // amd64 or arm64
	Name     string // its host name, and what errors call it; Arch if empty
	MemoryMB int    // 768 if 0
	CPU      string // as QEMU's -cpu; if empty, max for amd64 and cortex-a72 for arm64
	LogDir   string // where its console is written to NAME-console.log; nowhere if empty

	// Progress is told what takes long; may be nil.
	Progress func(format string, args ...any)
}

// Guest is a running virtual machine. Its methods may be called from several
// goroutines at once.
type Guest struct {
	Arch string
	Name string

	// BootTime is how long it took from the start of QEMU until the agent
	// answered.
	BootTime time.Duration

	console *logBuffer
	qemu    *process
	calls   net.Listener  // where the agent calls
	conns   chan net.Conn // its calls
	http    *http.Client
	close   sync.Once
}

// guests counts those this process has started.
var guests atomic.Int64

// Start builds a guest, if the cache has none, boots it and waits until its
// agent answers. ctx bounds only the start.
func Start(ctx context.Context, cfg Config) (*Guest, error) {
	if cfg.Name == "" {
		cfg.Name = cfg.Arch
	}
	if cfg.MemoryMB == 0 {
		cfg.MemoryMB = 768
	}
	image, err := BuildGuest(ctx, cfg.Arch, cfg.Progress)
	if err != nil {
		return nil, err
	}
	g, err := boot(ctx, cfg, image)
	if err != nil {
		return nil, fmt.Errorf("lab: starting the guest %s: %w", cfg.Name, err)
	}
	return g, nil
}

func boot(ctx context.Context, cfg Config, image *Image) (_ *Guest, err error) {
	g := &Guest{Arch: cfg.Arch, Name: cfg.Name, conns: make(chan net.Conn, 1)}
	if g.calls, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	g.http = &http.Client{Transport: &http.Transport{
		DialContext: g.nextCall,
		// One call, one request: the agent keeps the next call open anyway.
		DisableKeepAlives: true,
	}}
	if g.console, err = newLogBuffer(cfg.LogDir, cfg.Name+"-console.log", ""); err != nil {
		g.calls.Close()
		return nil, err
	}

	m := machines[cfg.Arch]
	c := exec.Command(m.qemu, m.args(cfg, image, g.calls.Addr().(*net.TCPAddr).Port)...)
	c.Stdout, c.Stderr = g.console, g.console
	begun := time.Now()
	if g.qemu, err = start(c); err != nil {
		g.calls.Close()
		return nil, errors.Join(err, g.console.Close())
	}
	go g.takeCalls()

	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	_, err = g.Output(ctx, "true") // once the agent answers
	if err == nil {
		_, err = g.Output(ctx, fmt.Sprintf("date -u -s @%d", time.Now().Unix()))
	}
	if err != nil {
		// The console shows what a guest that does not answer is doing.
		err = fmt.Errorf("%w\nThe end of its console:\n%s", err, g.console.tail())
		return nil, errors.Join(err, g.Close())
	}
	g.BootTime = time.Since(begun)
	return g, nil
}

// args are the arguments of QEMU for a guest whose agent is to call the port.
func (m machine) args(cfg Config, image *Image, port int) []string {
	cpu := cfg.CPU
	if cpu == "" {
		cpu = m.cpu
	}
	// Names without a dot that the kernel does not know are in the environment
	// of the guest's init. 10.0.2.2 is this host in QEMU's user network.
	params := []string{
		"console=" + m.console, m.params, "quiet", "panic=-1", "mitigations=off", "rcupdate.rcu_expedited=1",
		fmt.Sprintf("TPFS_LAB=10.0.2.2:%d", port),
		"TPFS_NAME=" + cfg.Name,
		fmt.Sprintf("TPFS_PID=%d", firstPID(guests.Add(1))),
	}
	return []string{
		"-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
		"-M", m.board, "-cpu", cpu, "-accel", "tcg", "-smp", "1", "-m", strconv.Itoa(cfg.MemoryMB),
		"-serial", "stdio",
		"-netdev", "user,id=net,ipv6=off", "-device", "virtio-net-pci,netdev=net,romfile=",
		"-kernel", image.Kernel, "-initrd", image.Initrd, "-append", strings.Join(params, " "),
	}
}

// firstPID keeps the process ids of guests apart, so that one that moves from
// one guest to another does not meet its id there, held by a passing shell.
func firstPID(guest int64) int64 { return 21000 + guest%100*40000 }

// takeCalls accepts the agent's calls. The agent makes the next one when the
// last is in use.
func (g *Guest) takeCalls() {
	for {
		c, err := g.calls.Accept()
		if err != nil {
			return // closed
		}
		select {
		case g.conns <- c:
		case <-g.qemu.exited:
			c.Close()
		}
	}
}

// nextCall is what dialling is to an ordinary client.
func (g *Guest) nextCall(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case c := <-g.conns:
		return c, nil
	case <-g.qemu.exited:
		return nil, errors.New("the guest is off")
	case <-ctx.Done():
		return nil, fmt.Errorf("its agent has not called: %w", context.Cause(ctx))
	}
}

// Result is what came of a script that ran to its end.
type Result struct {
	Output string // of both outputs, as they came
	Exit   int    // as $? has it: 128+N if signal N killed the shell
}

// Run runs a script with the guest's shell. That the script fails is no error;
// what else went wrong is, and then Output is what had come until then.
// The script is killed when ctx ends, or after DefaultTimeout if ctx has no
// deadline. Programs it leaves in the background go on, without being waited
// for.
func (g *Guest) Run(ctx context.Context, script string) (Result, error) {
	var out bytes.Buffer
	exit, err := g.Stream(ctx, script, &out)
	return Result{out.String(), exit}, err
}

// Output is Run for a script that is expected to succeed: another exit status
// than 0 is an error, which has the output.
func (g *Guest) Output(ctx context.Context, script string) (string, error) {
	res, err := g.Run(ctx, script)
	if err == nil && res.Exit != 0 {
		err = fmt.Errorf("lab: guest %s: exit status %d of\n%s\nIts output:\n%s", g.Name, res.Exit, script, res.Output)
	}
	return res.Output, err
}

// Stream is Run with the output written to w as it comes.
func (g *Guest) Stream(ctx context.Context, script string, w io.Writer) (exit int, err error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	deadline, _ := ctx.Deadline()
	resp, err := g.ask(ctx, "POST", "exec", url.Values{"timeout": {time.Until(deadline).String()}}, strings.NewReader(script))
	if err != nil {
		return -1, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return -1, g.failed("running a script", err)
	}
	if text := resp.Trailer.Get("Error"); text != "" {
		return -1, g.failed("running a script", errors.New(text))
	}
	exit, err = strconv.Atoi(resp.Trailer.Get("Exit"))
	if err != nil {
		return -1, g.failed("running a script", fmt.Errorf("the agent did not tell its exit status: %w", err))
	}
	return exit, nil
}

// Put copies a file of the host into the guest and makes the directories above
// it. A file of that name is replaced, even if it is a program that runs.
func (g *Guest) Put(ctx context.Context, localPath, guestPath string, mode os.FileMode) error {
	f, err := os.Open(localPath)
	if err != nil {
		return err
	}
	defer f.Close()
	return g.put(ctx, f, guestPath, mode)
}

// PutBytes is Put of a file that has the content given.
func (g *Guest) PutBytes(ctx context.Context, content []byte, guestPath string, mode os.FileMode) error {
	return g.put(ctx, bytes.NewReader(content), guestPath, mode)
}

func (g *Guest) put(ctx context.Context, r io.Reader, guestPath string, mode os.FileMode) error {
	query := url.Values{"path": {guestPath}, "mode": {strconv.FormatUint(uint64(mode.Perm()), 8)}}
	resp, err := g.ask(ctx, "PUT", "file", query, r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// PutDir copies what is in a directory of the host, with modes and times, into
// one of the guest.
func (g *Guest) PutDir(ctx context.Context, localDir, guestDir string) error {
	r, w := io.Pipe()
	go func() {
		tw := tar.NewWriter(w)
		err := tw.AddFS(os.DirFS(localDir))
		w.CloseWithError(errors.Join(err, tw.Close()))
	}()
	defer r.Close()
	resp, err := g.ask(ctx, "POST", "untar", url.Values{"dir": {guestDir}}, r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Get reads a file of the guest.
func (g *Guest) Get(ctx context.Context, guestPath string) ([]byte, error) {
	resp, err := g.ask(ctx, "GET", "file", url.Values{"path": {guestPath}}, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, g.failed("reading "+guestPath, err)
	}
	return data, nil
}

// ask sends a request to the agent. Any answer but OK is an error.
func (g *Guest) ask(ctx context.Context, method, what string, query url.Values, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://agent/"+what+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	resp, err := g.http.Do(req)
	if err != nil {
		// The address in an error of the client's is made up.
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, g.failed(what, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return nil, g.failed(what, errors.New(string(bytes.TrimSpace(text))))
	}
	return resp, nil
}

// failed is an error of this guest's. If it has gone down, its console says why.
func (g *Guest) failed(what string, err error) error {
	err = fmt.Errorf("lab: guest %s: %s: %w", g.Name, what, err)
	select {
	case <-g.qemu.exited:
		return fmt.Errorf("%w\nQEMU has ended (%v). The end of the console:\n%s", err, g.qemu.cmd.ProcessState, g.console.tail())
	default:
		return err
	}
}

// MountNFS mounts an export on a directory of the guest, which it makes.
func (g *Guest) MountNFS(ctx context.Context, e *Export, dir string) error {
	// The helper of nfs-utils would look up the addresses; here they are known.
	// No attributes are cached, since the host and other guests write there
	// too. Never 4.2: ganesha 4.3 answers its reads with wrong data.
	_, err := g.Output(ctx, fmt.Sprintf("mkdir -p %[1]s && mount -i -t nfs4 -o "+
		"addr=10.0.2.2,clientaddr=10.0.2.15,port=%[2]d,vers=4.1,sec=sys,proto=tcp,soft,timeo=100,sync,actimeo=0,lookupcache=none "+
		"10.0.2.2:%[3]s %[1]s", dir, e.port, exportPath))
	if err != nil {
		return fmt.Errorf("%w\nThe end of ganesha's log:\n%s", err, e.log.tail())
	}
	return nil
}

// Console is what the guest wrote to its console, or the last part of it.
func (g *Guest) Console() string { return g.console.String() }

// Close switches the guest off, as one pulls a plug.
func (g *Guest) Close() error {
	var err error
	g.close.Do(func() {
		g.qemu.stop(syscall.SIGTERM, 5*time.Second)
		g.calls.Close()
		err = g.console.Close()
	})
	return err
}
