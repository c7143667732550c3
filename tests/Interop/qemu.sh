#!/usr/bin/env bash
# Runs a command on a stock Debian kernel under QEMU (software emulation): for what the machine's own kernel has not, such as ESP, xfrm interfaces and VRFs.
# The machine's file system is the guest's, read-only under an overlay in memory; nothing the guest writes stays. No network but the guest's own namespaces.
#
#   tests/Interop/qemu.sh [--seconds N] COMMAND...     exit code of the command; 124 when the time is over
#
# The kernel is Debian's own package, kept in out/qemu. Needs root and the package registry the first time.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${QEMU_CACHE:-$ROOT/out/qemu}
SECONDS_ALLOWED=540
[ "${1:-}" != --seconds ] || { SECONDS_ALLOWED=$2; shift 2; }
[ $# -gt 0 ] || { echo "usage: qemu.sh [--seconds N] COMMAND..." >&2; exit 2; }

PACKAGES="qemu-system-x86 busybox-static kmod cpio"
# By dependency, as insmod would need it; depmod's index is in the initrd, so modprobe finds the rest.
MODULES="kernel/net kernel/crypto kernel/arch/x86/crypto kernel/lib kernel/drivers/virtio kernel/fs/9p kernel/fs/overlayfs kernel/fs/netfs kernel/fs/fscache
  kernel/drivers/net/vrf.ko kernel/drivers/net/tun.ko kernel/drivers/net/veth.ko kernel/drivers/net/dummy.ko kernel/drivers/net/ifb.ko"
LOADED="virtio_pci 9pnet_virtio 9p overlay xfrm_user xfrm_interface esp4 esp6 vrf tun veth dummy ip_gre ifb act_police"

install_packages() {
  local missing=() package
  for package in $PACKAGES; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"$CACHE/apt.log" 2>&1
}

# The kernel that linux-image-amd64 stands for, unpacked once.
fetch_kernel() {
  [ -e "$CACHE/vmlinuz" ] && return 0
  local package
  package=$(apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
  [ -n "$package" ] || { apt-get update -q >/dev/null 2>&1; package=$(apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" { print $2; exit }'); }
  rm -rf "$CACHE/kernel"
  mkdir -p "$CACHE/download" "$CACHE/kernel"
  (cd "$CACHE/download" && apt-get download -q "$package") >>"$CACHE/apt.log" 2>&1 || return 1
  dpkg -x "$CACHE/download/$package"_*.deb "$CACHE/kernel" && rm -rf "$CACHE/download"
  cp "$CACHE"/kernel/boot/vmlinuz-* "$CACHE/vmlinuz"
}

build_initrd() {
  [ -e "$CACHE/initrd.gz" ] && [ "$CACHE/initrd.gz" -nt "${BASH_SOURCE[0]}" ] && return 0
  local tree=$CACHE/initrd version module
  version=$(ls "$CACHE/kernel/lib/modules")
  rm -rf "$tree"
  mkdir -p "$tree"/{bin,sbin,proc,sys,dev,new,ro,rw,"lib/modules/$version"}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  # The kernel loads what it is asked for later (nf_tables, ciphers) by this program of its first root.
  ln -s ../bin/busybox "$tree/sbin/modprobe"
  for module in $MODULES; do
    mkdir -p "$tree/lib/modules/$version/$(dirname "$module")"
    cp -r "$CACHE/kernel/lib/modules/$version/$module" "$tree/lib/modules/$version/$(dirname "$module")/" 2>/dev/null
  done
  cp "$CACHE/kernel/lib/modules/$version"/modules.{builtin,builtin.modinfo,order} "$tree/lib/modules/$version/"
  depmod -b "$tree" "$version" || return 1
  cat >"$tree/init" <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
for module in $LOADED; do modprobe \$module 2>/dev/null || echo "no module \$module"; done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose root /ro || exec poweroff -f
mount -t tmpfs -o size=1200m tmpfs /rw && mkdir /rw/up /rw/work
mount -t overlay -o lowerdir=/ro,upperdir=/rw/up,workdir=/rw/work overlay /new
mkdir -p /new/lib/modules/$version
mount -o bind /lib/modules/$version /new/lib/modules/$version
mount --move /proc /new/proc; mount --move /sys /new/sys; mount --move /dev /new/dev
mount -t tmpfs tmpfs /new/tmp; mount -t tmpfs tmpfs /new/run
ln -s /proc/self/fd /new/dev/fd; mkdir -p /new/dev/pts; mount -t devpts devpts /new/dev/pts
ip link set lo up
for option in \$(cat /new/proc/cmdline); do case \$option in guest=*) script=\${option#guest=} ;; esac; done
chroot /new /bin/bash -c 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root IN_GUEST=1; mkdir -p /run/netns; bash '\$script
echo "guest-exit \$?"
poweroff -f
INIT
  chmod 755 "$tree/init"
  (cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) >"$CACHE/initrd.gz"
}

mkdir -p "$CACHE"
(flock 9; install_packages && fetch_kernel && build_initrd) 9>"$CACHE/lock" || { echo "qemu.sh: no kernel to boot: $(tail -n 2 "$CACHE/apt.log" 2>/dev/null | tr '\n' ' ')" >&2; exit 3; }
script=$(mktemp "$CACHE/guest-XXXXXX")
output=$(mktemp "$CACHE/console-XXXXXX")
trap 'rm -f "$script" "$output"' EXIT
{ printf 'cd %q\n' "$PWD"; printf '%q ' "$@"; echo; } >"$script"
timeout -k 5 "$SECONDS_ALLOWED" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m "${QEMU_MEMORY:-2560}" -nographic -no-reboot -nic none \
  -kernel "$CACHE/vmlinuz" -initrd "$CACHE/initrd.gz" -virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
  -append "console=ttyS0 panic=-1 no_timer_check quiet guest=$script" </dev/null 2>&1 | sed -u 's/\r$//' | tee "$output" | sed -u '/guest-exit [0-9]*$/d'
[ "${PIPESTATUS[0]}" = 0 ] || exit 124
code=$(sed -n 's/.*guest-exit \([0-9]*\)$/\1/p' "$output" | tail -n 1)
exit "${code:-1}"
