//! What stands around `Database`: the type of JSON, the short names of rows and enums, and the labels as values.

use crate::print::{self, Field, Ts, key, text};
use crate::world::World;

/// What a column of JSON holds.
pub(crate) const JSON: &str = "export type Json =
  | string
  | number
  | boolean
  | null
  | { [key: string]: Json | undefined }
  | Json[]

";

/// A short name: `Tables<"events">`, or `Tables<{ schema: "billing" }, "events">`.
struct Short {
    name: &'static str,
    /// Its two parameters.
    first: &'static str,
    second: &'static str,
    /// Where it looks.
    parts: &'static [&'static str],
    /// What of the found it is, and the letter that stands for it; all of it where there is none.
    part: Option<(&'static str, &'static str)>,
}

const RELATION: (&str, &str) = ("DefaultSchemaTableNameOrOptions", "TableName");

const SHORTS: [Short; 5] = [
    Short {
        name: "Tables",
        first: RELATION.0,
        second: RELATION.1,
        parts: &["Tables", "Views"],
        part: Some(("Row", "R")),
    },
    Short {
        name: "TablesInsert",
        first: RELATION.0,
        second: RELATION.1,
        parts: &["Tables"],
        part: Some(("Insert", "I")),
    },
    Short {
        name: "TablesUpdate",
        first: RELATION.0,
        second: RELATION.1,
        parts: &["Tables"],
        part: Some(("Update", "U")),
    },
    Short { name: "Enums", first: "DefaultSchemaEnumNameOrOptions", second: "EnumName", parts: &["Enums"], part: None },
    Short {
        name: "CompositeTypes",
        first: "PublicCompositeTypeNameOrOptions",
        second: "CompositeTypeName",
        parts: &["CompositeTypes"],
        part: None,
    },
];

/// All schemas but what the client keeps in the type for itself.
const ALL: &str = "DatabaseWithoutInternals";

impl Short {
    /// `DefaultSchema["Tables"]`, or several of them as one; `between` stands where a line may end.
    fn of(&self, schema: &str, between: &str) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| format!("{schema}[\"{part}\"]")).collect();
        if let [one] = &parts[..] { one.clone() } else { format!("({})", parts.join(&format!(" &{between}"))) }
    }

    fn write(&self, out: &mut String) {
        let Short { name, first, second, .. } = self;
        let asked = format!("{ALL}[{first}[\"schema\"]]");
        let (own, named) = ("DefaultSchema", asked.as_str());
        let taken = |place: String, depth: &str| match self.part {
            Some((part, letter)) => format!(
                "{place} extends {{\n{depth}    {part}: infer {letter}\n{depth}  }}\n{depth}  ? {letter}\n{depth}  : never"
            ),
            None => place,
        };
        out.push_str(&format!(
            "export type {name}<\n  {first} extends\n    | keyof {}\n    | {{ schema: keyof {ALL} }},\n  \
             {second} extends ({first} extends {{\n    schema: keyof {ALL}\n  }}\n    ? keyof {}\n    : never) = never,\n> = \
             {first} extends {{\n  schema: keyof {ALL}\n}}\n  ? {}\n  : {first} extends keyof {}\n    ? {}\n    : never\n\n",
            self.of(own, " "),
            self.of(named, "\n        "),
            taken(format!("{}[{second}]", self.of(named, "\n      ")), "  "),
            self.of(own, "\n        "),
            taken(format!("{}[{first}]", self.of(own, "\n        ")), "    "),
        ));
    }
}

/// Writes the short names, and the labels of each enum.
pub(crate) fn write(world: &World<'_>, out: &mut String) {
    let default = match world.schemas.iter().find(|schema| *schema == "public").or(world.schemas.first()) {
        Some(schema) => text(schema),
        None => text("public"),
    };
    out.push_str(&format!(
        "type {ALL} = Omit<Database, \"__InternalSupabase\">\n\n\
         type DefaultSchema = {ALL}[Extract<keyof Database, {default}>]\n\n"
    ));
    SHORTS.iter().for_each(|short| short.write(out));
    out.push_str("export const Constants = {\n");
    for schema in &world.schemas {
        out.push_str(&format!("  {}: {{\n", key(schema)));
        let enums = world.enums_of(schema);
        out.push_str(if enums.is_empty() { "    Enums: {},\n" } else { "    Enums: {\n" });
        for found in &enums {
            let labels = found.labels.iter().map(|label| Ts::Text(label.to_string())).collect();
            out.push_str("      ");
            print::property(out, &Field::new(&found.name, Ts::Tuple(labels)), 3, 1);
            out.push_str(",\n");
        }
        out.push_str(if enums.is_empty() { "  },\n" } else { "    },\n  },\n" });
    }
    out.push_str("} as const\n");
}
