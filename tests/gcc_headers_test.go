package tests

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// basePackages have the headers that every C program may use.
const basePackages = "linux-libc-dev,libc6-dev"

var (
	gccHeaders  = flag.String("gcc-headers", "", "compare with gcc the headers whose path contains this, or \"all\"; default: all where CI=true, else some")
	gccPackages = flag.String("gcc-packages", basePackages, "the Debian packages whose headers are compared with gcc, with commas between; they must be installed")
	gccInclude  = flag.String("gcc-include", "", "directories to search for headers before the system's, with commas between")
)

// chosenHeaders are compared where not all are. They have among them bit-fields in
// both orders and all widths, packed and aligned structs, unions, flexible and
// empty arrays, byte order types, 64-bit and negative enumerators, floating
// and string macros, include_next, and the freestanding headers.
var chosenHeaders = strings.Fields(`
	asm/kvm.h asm/ptrace.h asm/sigcontext.h asm/stat.h
	linux/acct.h linux/atm.h linux/audit.h linux/auto_fs.h linux/bcache.h linux/bpf.h linux/btf.h linux/btrfs.h
	linux/btrfs_tree.h linux/can.h linux/cdrom.h linux/coda.h linux/dlm_device.h linux/dm-ioctl.h linux/elf.h
	linux/ethtool.h linux/fd.h linux/fs.h linux/fuse.h linux/gpio.h linux/hdlc.h linux/hdreg.h linux/i2o-dev.h
	linux/icmpv6.h linux/igmp.h linux/in.h linux/input.h linux/io_uring.h linux/ip.h linux/ipv6.h linux/kfd_ioctl.h
	linux/kvm.h linux/loop.h linux/media.h linux/nfs_fs.h linux/nl80211.h linux/nvme_ioctl.h linux/perf_event.h
	linux/pkt_cls.h linux/ppp_defs.h linux/ptp_clock.h linux/quota.h linux/raid/md_p.h linux/serial.h linux/tcp.h
	linux/tls.h linux/udp.h linux/usb/ch9.h linux/userfaultfd.h linux/v4l2-controls.h linux/vfio.h linux/videodev2.h
	linux/virtio_net.h linux/virtio_ring.h linux/vm_sockets.h linux/wireless.h
	drm/amdgpu_drm.h rdma/mlx5-abi.h scsi/scsi_bsg_fc.h sound/asound.h xen/evtchn.h
	elf.h dirent.h fcntl.h float.h limits.h link.h locale.h math.h netdb.h netinet/ip.h netinet/tcp.h pthread.h
	pwd.h sched.h search.h semaphore.h signal.h spawn.h stdint.h stdio.h stdlib.h sys/epoll.h sys/inotify.h
	sys/msg.h sys/procfs.h sys/quota.h sys/shm.h sys/socket.h sys/stat.h sys/statvfs.h sys/time.h sys/types.h
	sys/ucontext.h sys/un.h sys/user.h termios.h threads.h time.h ucontext.h unistd.h utmp.h values.h wchar.h
`)

// headerPaths returns the headers to compare.
func headerPaths(t *testing.T) (paths []string) {
	want := *gccHeaders
	if want == "" && (*gccPackages != basePackages || inCI() && !raceEnabled) {
		want = "all"
	}
	if want == "" {
		for _, h := range chosenHeaders {
			for _, d := range systemDirs {
				if _, err := os.Stat(filepath.Join(d, h)); err == nil {
					paths = append(paths, filepath.Join(d, h))
				}
			}
		}
		// Other systems lack some of these headers, and gain others.
		if len(paths) < len(chosenHeaders)*3/4 {
			t.Fatalf("of %d headers %d are installed: linux-libc-dev and libc6-dev are needed", len(chosenHeaders), len(paths))
		}
		return paths
	}
	out, err := exec.Command(requireTool(t, "dpkg"), append([]string{"-L"}, strings.Split(*gccPackages, ",")...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.Lines(string(out)) {
		if path = strings.TrimSpace(path); strings.HasSuffix(path, ".h") && (want == "all" || strings.Contains(path, want)) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// TestGCCHeaders compares system headers, those that gcc itself compiles
// standalone. It prints how many of what gcc says we say, too.
func TestGCCHeaders(t *testing.T) {
	gcc := requireTool(t, "gcc")
	sum := newTally()
	paths := make(chan string)
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		dir := t.TempDir()
		wait.Go(func() {
			for path := range paths {
				c, err := compareHeader(t.Context(), gcc, dir, path)
				mu.Lock()
				switch {
				case errors.Is(err, errNotStandalone):
					sum.refused++
				case err != nil:
					t.Errorf("%s: %v", path, err)
				default:
					for _, line := range c.diff[:min(len(c.diff), 8)] {
						t.Errorf("%s: %s", path, line)
					}
					sum.add(c)
				}
				mu.Unlock()
			}
		})
	}
	for _, path := range headerPaths(t) {
		paths <- path
	}
	close(paths)
	wait.Wait()
	sum.log(t)
	if sum.have["header"] == 0 {
		t.Error("gcc compiled no header")
	}
}

// TestGCCDefinitions compares the formats that this module generates code for.
func TestGCCDefinitions(t *testing.T) {
	t.Parallel()
	gcc := requireTool(t, "gcc")
	headers, err := filepath.Glob("../defs/*.h")
	if err != nil || len(headers) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	for _, h := range headers {
		t.Run(filepath.Base(h), func(t *testing.T) {
			path, err := filepath.Abs(h)
			if err != nil {
				t.Fatal(err)
			}
			c, err := compareHeader(t.Context(), gcc, t.TempDir(), path)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range c.diff {
				t.Error(line)
			}
			t.Logf("%d facts agree", len(c.want)-len(c.diff))
		})
	}
}
