//! The JSON Schema of `depends_on`.

/// What may be inside.
pub(crate) const SCHEMA: &str = r##"{
  "pattern": "\\S",
  "items": { "type": ["string", "null"], "pattern": "\\S" },
  "additionalProperties": {
    "anyOf": [
      { "$ref": "#/$defs/condition" },
      {
        "type": "object",
        "properties": {
          "condition": { "$ref": "#/$defs/condition" },
          "restart": {
            "description": "Restart the app when this one has ended and come to it again.",
            "type": ["boolean", "null"],
            "default": false
          },
          "required": { "enum": [true, null] }
        },
        "additionalProperties": false
      }
    ]
  }
}"##;
