//! `prettylist` prints what Node's `util.inspect(value, { depth: null, colors: false })` prints,
//! and scripts read it line by line. So the notation of Node 20 is reproduced for everything that
//! JSON can hold: when a list fits on one line, how long lists are put into columns, which quotes
//! are used, how numbers look.

mod columns;
mod inspector;
mod limits;
mod number;
mod text;

pub(crate) use inspector::inspect;
pub(crate) use number::float;

#[cfg(test)]
mod node_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_reads_as_it_does_in_pm2() {
        let action = serde_json::json!({
            "action_name": "km:heapdump",
            "action_type": "internal",
            "arity": 2,
        });
        let value = serde_json::json!([{
            "pid": 8947,
            "name": "app",
            "pm2_env": {
                "args": [],
                "filter_env": {},
                "axm_actions": [action],
                "Heap-Size": "6.98",
                "_tree_pids": [8911],
            },
            "monit": { "memory": 53_886_976, "cpu": 4.5 },
        }]);
        expect_test::expect![[r#"
            [
              {
                pid: 8947,
                name: 'app',
                pm2_env: {
                  args: [],
                  filter_env: {},
                  axm_actions: [
                    {
                      action_name: 'km:heapdump',
                      action_type: 'internal',
                      arity: 2
                    }
                  ],
                  'Heap-Size': '6.98',
                  _tree_pids: [ 8911 ]
                },
                monit: { memory: 53886976, cpu: 4.5 }
              }
            ]"#]]
        .assert_eq(&inspect(&value));
    }

    #[test]
    fn ids_are_put_into_columns_from_seven_on() {
        let ids: Vec<u32> = (0..9).collect();
        assert_eq!(inspect(&serde_json::json!(ids)), "[\n  0, 1, 2, 3, 4,\n  5, 6, 7, 8\n]");
        assert_eq!(inspect(&serde_json::json!(["0"])), "[ '0' ]");
        assert_eq!(inspect(&serde_json::json!([])), "[]");
    }
}
