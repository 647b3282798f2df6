//! Azure's clouds, and what names end in there.
//! <https://learn.microsoft.com/azure/azure-government/documentation-government-developer-guide>,
//! <https://learn.microsoft.com/azure/china/resources-developer-guide>

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::stands_as_text;

/// One of Azure's clouds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AzureCloud {
    #[default]
    Public,
    UsGovernment,
    China,
}

/// Why a cloud was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of public, usgov, china, found `{0}`")]
pub struct InvalidCloud(String);

impl AzureCloud {
    /// ARM's address.
    pub fn resource_manager(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
            Self::China => "https://management.chinacloudapi.cn",
        }
    }

    /// What the names of public addresses end in: `LABEL.LOCATION.SUFFIX`.
    pub fn address_suffix(self) -> &'static str {
        match self {
            Self::Public => "cloudapp.azure.com",
            Self::UsGovernment => "cloudapp.usgovcloudapi.net",
            Self::China => "cloudapp.chinacloudapi.cn",
        }
    }
}

impl FromStr for AzureCloud {
    type Err = InvalidCloud;

    fn from_str(text: &str) -> Result<Self, InvalidCloud> {
        match text.to_ascii_lowercase().as_str() {
            "public" => Ok(Self::Public),
            "usgov" => Ok(Self::UsGovernment),
            "china" => Ok(Self::China),
            _ => Err(InvalidCloud(text.to_owned())),
        }
    }
}

impl fmt::Display for AzureCloud {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Public => "public",
            Self::UsGovernment => "usgov",
            Self::China => "china",
        })
    }
}

stands_as_text!(AzureCloud, InvalidCloud);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_a_cloud() {
        for word in ["public", "usgov", "china"] {
            assert_eq!(word.parse::<AzureCloud>().unwrap().to_string(), word);
        }
        assert!("germany".parse::<AzureCloud>().is_err());
    }
}
