//! What is shown of processes under the name `ostler`: what the crate `show` makes of them, and the
//! fields that a program names. What PM2 shows is in `view`.

mod asked;
mod dropped;
mod fields;
mod kept;
mod names;
mod template;
mod waiting;

pub(crate) use asked::Asked;
pub(crate) use dropped::dropped;
pub(crate) use fields::{Known, Shape, field_names};
pub(crate) use kept::{rotation, watched};
pub(crate) use names::{meant as meant_fields, meant_template};
pub(crate) use ostler_show::{
    App, LastHour, Look, OUT_OF_MEMORY, SORT_FIELDS, Seen, blocks, columns, describe, fold,
    is_without_interpreter, last_lines, list, note_ports, of_hosts, order, piped, plain, reasons,
    said, status, tree,
};
