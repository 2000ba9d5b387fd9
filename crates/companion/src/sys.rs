//! The one thing that needs unsafe code: the addresses of the machine.

#![expect(unsafe_code, reason = "the C library gives the addresses as a list of pointers")]

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address of a network device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Name of the device.
    pub(crate) device: String,
    /// The address that it has.
    pub(crate) ip: IpAddr,
    /// Which part of it is the network.
    pub(crate) mask: IpAddr,
    /// The device leads to this machine alone.
    pub(crate) loopback: bool,
    /// Which of several networks an address of IPv6 is of.
    pub(crate) scope: u32,
}

/// Returns the addresses of the devices that are up.
pub(crate) fn addresses() -> io::Result<Vec<Address>> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the pointer to be set is valid.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut all = Vec::new();
    let mut next = list;
    // SAFETY: each element is valid until the list is freed below.
    while let Some(one) = unsafe { next.as_ref() } {
        let is_up = one.ifa_flags & (libc::IFF_UP.cast_unsigned()) != 0;
        let ip = ip_of(one.ifa_addr).filter(|_| is_up);
        if let Some(((ip, scope), (mask, _))) = ip.zip(ip_of(one.ifa_netmask)) {
            // SAFETY: the name is a C string.
            let device = unsafe { CStr::from_ptr(one.ifa_name) }.to_string_lossy().into_owned();
            let loopback = one.ifa_flags & (libc::IFF_LOOPBACK.cast_unsigned()) != 0;
            all.push(Address { device, ip, mask, loopback, scope });
        }
        next = one.ifa_next;
    }
    // SAFETY: it came from `getifaddrs`, and nothing points into it any more.
    unsafe { libc::freeifaddrs(list) };
    Ok(all)
}

/// The address behind a pointer of the list, if it is one of the internet protocols.
fn ip_of(address: *const libc::sockaddr) -> Option<(IpAddr, u32)> {
    // SAFETY: it is null, or points to an address as long as its family says.
    unsafe {
        match i32::from(address.as_ref()?.sa_family) {
            libc::AF_INET => {
                let bytes = (*address.cast::<libc::sockaddr_in>()).sin_addr.s_addr.to_ne_bytes();
                Some((Ipv4Addr::from(bytes).into(), 0))
            }
            libc::AF_INET6 => {
                let of = &*address.cast::<libc::sockaddr_in6>();
                Some((Ipv6Addr::from(of.sin6_addr.s6_addr).into(), of.sin6_scope_id))
            }
            _ => None,
        }
    }
}
