//! Hardware virtualization or emulation: decides from what the host really has.

use std::fs::{self, OpenOptions};

/// How QEMU runs guest code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accelerator {
    /// The processor's own virtualization.
    Kvm,
    /// Translation in software.
    Tcg,
}

impl Accelerator {
    /// What this host can do.
    pub(super) fn of_host() -> Self {
        let device_opens = OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
        let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self::from(device_opens, &processor)
    }

    /// The device alone proves nothing: inside some virtual machines it opens although the processor has no
    /// virtualization, and guests then stop with an emulation failure.
    fn from(device_opens: bool, processor: &str) -> Self {
        let virtualizes = processor
            .lines()
            .filter(|line| line.starts_with("flags"))
            .any(|line| line.split_whitespace().any(|flag| flag == "vmx" || flag == "svm"));
        if device_opens && virtualizes { Self::Kvm } else { Self::Tcg }
    }

    /// QEMU's arguments for it.
    pub(super) fn arguments(self) -> [&'static str; 4] {
        match self {
            Self::Kvm => ["-accel", "kvm", "-cpu", "host"],
            // Five-level page tables only cost time in a small guest.
            Self::Tcg => ["-accel", "tcg,thread=multi", "-cpu", "max,la57=off"],
        }
    }

    /// What a guest's kernel is told for it, each word with a space before it.
    pub(super) fn kernel_arguments(self) -> &'static str {
        match self {
            Self::Kvm => "",
            // Hardening that protects nobody here, and that costs more without a real processor below it.
            // The kernel counts ticks to find timers that do not work, and panics ("IO-APIC + timer doesn't work") where
            // the host is only busy. KVM's guests leave the check out by themselves.
            // <https://docs.kernel.org/admin-guide/kernel-parameters.html>
            Self::Tcg => " norandmaps init_on_alloc=0 randomize_kstack_offset=off hardened_usercopy=off no_timer_check",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kvm_needs_both_the_device_and_the_processor() {
        let with = "processor\t: 0\nflags\t\t: fpu vme svm sse\n";
        let without = "processor\t: 0\nflags\t\t: fpu vme sse svm_lock\n";
        for (device, processor, expected) in [
            (true, with, Accelerator::Kvm),
            (true, without, Accelerator::Tcg),
            (false, with, Accelerator::Tcg),
            (true, "", Accelerator::Tcg),
        ] {
            assert_eq!(Accelerator::from(device, processor), expected);
        }
    }
}
