#!/bin/bash
# What Ignition's initramfs needs beyond Debian's modules.

check() {
    return 255
}

depends() {
    echo systemd
}

install() {
    # Ignition is built to relabel files and insists on the program; there is no policy to apply.
    inst_simple "$moddir/setfiles" /usr/sbin/setfiles
    # Ignition finds data disks under their Azure names.
    inst_rules 60-persistent-storage.rules 66-azure-storage.rules
    # A machine that cannot use its configuration says why on the console and turns itself off.
    inst_simple "$moddir/report-failure" /usr/lib/azure-local/report-failure
    inst_simple "$moddir/emergency.service" "$systemdsystemunitdir/emergency.service"
    inst_multiple blkid cat chmod chown cp ln mkdir mv rm sed echo grep journalctl mount sleep sync systemctl udevadm umount chroot
    # The drivers come by name: no search through every device of the machine.
    mkdir -p "$initdir/etc/modules-load.d"
    printf '%s\n' virtio_blk qemu_fw_cfg > "$initdir/etc/modules-load.d/azure-local.conf"
    inst_simple "$systemdsystemunitdir/systemd-udev-trigger.service.d/10-azure-local.conf"
    # What these prepare is prepared by the kernel, or is there again in the root.
    rm -f "$initdir/$systemdsystemunitdir/sysinit.target.wants/"{kmod-static-nodes,systemd-sysctl}.service \
        "$initdir/$systemdsystemunitdir/sysinit.target.wants/systemd-tmpfiles-setup"*.service
}
