//! How connections are spread.

/// How connections are spread over the workers of a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// To the workers with the fewest unanswered connections, in turn. At low load that is
    /// a strict rotation.
    #[default]
    RoundRobin,
    /// By the peer's address: the same client meets the same slot, also when that has a new worker.
    Sticky,
    /// The listening socket itself is given to the workers, where the runtime can take it. The
    /// kernel spreads then, and badly: at low load one worker gets nearly everything.
    Shared,
}

/// Returns the weight of `place` for `peer`: the place with the highest gets it (rendezvous
/// hashing). When a place comes or goes, only its own peers move.
pub(super) fn weight(peer: u64, place: u64) -> u64 {
    // The finaliser of SplitMix64: every bit of the input reaches every bit of the output.
    let mut x = peer.wrapping_add(place.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::weight;

    /// A client must meet the same slot also after an update of this program. (The first and third
    /// are the published outputs of SplitMix64 for the seed 0.)
    #[test]
    fn weights_stay_what_they_were() {
        assert_eq!(weight(0, 0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(weight(1, 0), 0x910A_2DEC_8902_5CC1);
        assert_eq!(weight(0, 1), 0x6E78_9E6A_A1B9_65F4);
        assert_eq!(weight(u64::MAX, 7), 0x405D_A438_A39E_8064);
    }
}
