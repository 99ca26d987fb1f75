//! `pixelwitness schema`: what the files may hold, for editors and for programs that read them.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{exit, talk};
use crate::schema::SCHEMAS;

#[derive(Debug, Args)]
#[command(after_help = "\
JSON Schema, draft 2020-12. An editor with a YAML language server completes a scenario or a policy whose first line names it:

  # yaml-language-server: $schema=schemas/policy.schema.json

  pixelwitness schema policy > policy.schema.json")]
pub struct SchemaArgs {
    /// Which: scenario and policy are what people write; evidence, run, exchanges and findings are what a bundle holds
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(SCHEMAS.iter().map(|schema| schema.name)))]
    name: String,
}

pub fn schema(args: &SchemaArgs) -> u8 {
    let schema = SCHEMAS.iter().find(|schema| schema.name == args.name);
    if let Some(schema) = schema {
        talk::data(schema.text().trim_end());
    }
    exit::OK
}
