//! What root may do inside.

use rustix::io::Result;
use rustix::thread::capability_is_in_bounding_set as is_in_bounding_set;
use rustix::thread::remove_capability_from_bounding_set as remove_from_bounding_set;
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities,
};

/// Docker's default set
/// (<https://github.com/moby/moby/blob/master/daemon/pkg/oci/caps/defaults.go>).
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETFCAP)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::AUDIT_WRITE);

/// Lets go of all other capabilities, so that not even a setuid program gets them back.
pub(crate) fn reduce_bounding_set() -> Result<()> {
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        if KEPT.contains(capability) {
            continue;
        }
        match is_in_bounding_set(capability) {
            // Past the last one this kernel knows.
            Err(rustix::io::Errno::INVAL) => break,
            // In a container that is held shorter there is nothing to let go, and no right to do so.
            Ok(false) => {}
            Ok(true) => remove_from_bounding_set(capability)?,
            Err(error) => return Err(error),
        }
    }
    clear_ambient_capability_set()
}

/// Reduces what this process itself holds. Nothing is inheritable, as in docker since
/// CVE-2022-24769.
pub(crate) fn reduce() -> Result<()> {
    let held = rustix::thread::capabilities(None)?.permitted.intersection(KEPT);
    let sets =
        CapabilitySets { effective: held, permitted: held, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets)
}
