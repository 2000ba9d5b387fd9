//! Addresses as users write them.

use std::net::Ipv6Addr;

use ostler_core::spec::Address;

#[test]
fn an_address_is_shown_as_it_is_written() {
    let tcp = |host| Address::Tcp { host, port: 80 };
    assert_eq!(tcp(None).to_string(), "80");
    assert_eq!(tcp(Some([127, 0, 0, 1].into())).to_string(), "127.0.0.1:80");
    assert_eq!(tcp(Some(Ipv6Addr::LOCALHOST.into())).to_string(), "[::1]:80");
    assert_eq!(Address::Unix("/run/x.sock".into()).to_string(), "/run/x.sock");
}
