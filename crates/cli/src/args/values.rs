//! Values of the command's own options, as far as they alone tell whether they can be meant.

use super::flags::{FLAGS, FlagId};
use super::misuse::Misuse;
use super::parsed::Parsed;

/// Refuses what is no number where a number is wanted.
pub(super) fn check(parsed: &Parsed) -> Result<(), Misuse> {
    for (id, value) in &parsed.given {
        let least: u32 = match id {
            FlagId::Lines => 0,
            FlagId::Parallel | FlagId::Surge => 1,
            _ => continue,
        };
        let Some(value) = value else { continue };
        let is_number = value.parse::<u32>().is_ok_and(|number| least <= number);
        let flag = FLAGS.iter().find(|flag| flag.id == *id).filter(|_| !is_number);
        if let Some(flag) = flag {
            return Err(Misuse::NotANumber { flag, value: value.clone(), least });
        }
    }
    Ok(())
}
