package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// exportPath is where an export is in the tree its server shows.
const exportPath = "/export"

// ExportConfig says how to export a directory. All fields may be left empty.
type ExportConfig struct {
	ReadOnly bool
	LogDir   string // where the server's log is written to ganesha-PORT.log; nowhere if empty
}

// Export is a directory of the host, served by NFS 4.1 to this machine only.
type Export struct {
	Dir string

	port   int
	log    *logBuffer
	server *process
	work   string // a directory of its own for what the server keeps
	close  sync.Once
}

// Serve exports a directory, which may be the root of a FUSE file system: mount
// that before, and close the export before unmounting it. Each export has a
// server of its own.
func Serve(ctx context.Context, dir string, cfg ExportConfig) (*Export, error) {
	e, err := serve(ctx, dir, cfg)
	if err != nil {
		return nil, fmt.Errorf("lab: exporting %s: %w", dir, err)
	}
	return e, nil
}

func serve(ctx context.Context, dir string, cfg ExportConfig) (*Export, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if fi, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !fi.IsDir() {
		return nil, errors.New("not a directory")
	}
	// ganesha cannot choose a port itself and tell it, so another program may
	// take the one that was free a moment ago.
	for try := 1; ; try++ {
		e, err := serveOnce(ctx, dir, cfg)
		if err == nil || try == 3 || ctx.Err() != nil {
			return e, err
		}
	}
}

func serveOnce(ctx context.Context, dir string, cfg ExportConfig) (_ *Export, err error) {
	e := &Export{Dir: dir}
	if e.port, err = freePort(); err != nil {
		return nil, err
	}
	if e.work, err = os.MkdirTemp("", "tpfs-ganesha-"); err != nil {
		return nil, err
	}
	conf := filepath.Join(e.work, "conf")
	if err := os.WriteFile(conf, []byte(ganeshaConfig(e.work, dir, e.port, cfg.ReadOnly)), 0o644); err != nil {
		return nil, errors.Join(err, os.RemoveAll(e.work))
	}
	if e.log, err = newLogBuffer(cfg.LogDir, fmt.Sprintf("ganesha-%d.log", e.port), "NFS SERVER INITIALIZED"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(e.work))
	}
	c := exec.Command("ganesha.nfsd", "-F", "-f", conf, "-p", filepath.Join(e.work, "pid"), "-L", "STDOUT", "-N", "EVENT")
	c.Stdout, c.Stderr = e.log, e.log
	if e.server, err = start(c); err != nil {
		return nil, errors.Join(err, e.log.Close(), os.RemoveAll(e.work))
	}

	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	select {
	case <-e.log.seen:
		return e, nil
	case <-e.server.exited:
		err = fmt.Errorf("ganesha.nfsd ended: %v", e.server.cmd.ProcessState)
	case <-ctx.Done():
		err = fmt.Errorf("ganesha.nfsd is not ready: %w", context.Cause(ctx))
	}
	err = fmt.Errorf("%w\nThe end of its log:\n%s", err, e.log.tail())
	return nil, errors.Join(err, e.Close())
}

// freePort finds a TCP port that is free now.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ganeshaConfig is the configuration of a server of one export. It caches
// neither attributes nor directories, since the host changes them behind its
// back. Version 4.2 is off because reads come back wrong with it.
func ganeshaConfig(work, dir string, port int, readOnly bool) string {
	access := "RW"
	if readOnly {
		access = "RO"
	}
	return fmt.Sprintf(`
NFS_CORE_PARAM {
	Protocols = 4;
	Bind_addr = 127.0.0.1;
	NFS_Port = %[3]d;
	Enable_NLM = false;
	Enable_RQUOTA = false;
	Enable_UDP = false;
}
NFSv4 {
	Graceless = true;
	Lease_Lifetime = 10;
	Grace_Period = 1;
	Minor_Versions = 1;
	Only_Numeric_Owners = true;
	RecoveryBackend = fs;
	RecoveryRoot = "%[1]s";
}
NFS_KRB5 { Active_krb5 = false; }
MDCACHE { Dir_Chunk = 0; }
EXPORT {
	Export_Id = 1;
	Path = "%[2]s";
	Pseudo = "%[5]s";
	Filesystem_Id = %[3]d.1;
	Access_Type = %[4]s;
	Squash = No_Root_Squash;
	SecType = sys;
	Protocols = 4;
	Transports = TCP;
	Attr_Expiration_Time = 0;
	FSAL { Name = VFS; }
}
`, work, dir, port, access, exportPath)
}

// Log is what the server has written to its log, or the last part of it.
func (e *Export) Log() string { return e.log.String() }

// Close stops the server and waits for its end. Guests that still have it
// mounted get errors.
func (e *Export) Close() error {
	var err error
	e.close.Do(func() {
		e.server.stop(syscall.SIGTERM, 5*time.Second)
		err = errors.Join(e.log.Close(), os.RemoveAll(e.work))
	})
	return err
}
