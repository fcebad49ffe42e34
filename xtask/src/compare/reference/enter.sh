#!/bin/sh
# enter.sh ROOT COMMAND…: runs COMMAND in ROOT with the kernel's file systems, in a mount name space that it is alone in.
set -e
root=$1
shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs sysfs "$root/sys"
if [ -d /sys/fs/cgroup ]; then
    mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
fi
exec chroot "$root" "$@"
