//! What a cluster costs, as an estimate out of Azure's public price list; never a reason to fail.
//! <https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices>

use std::time::Duration;

use azure_core::http::{Method, Request, Url};
use serde::{Deserialize, Serialize};

use crate::arm::{http_client, read_body};
use crate::spec::ClusterSpec;

/// Of the public cloud.
pub(crate) const LIST: &str = "https://prices.azure.com/api/retail/prices";
const TIMEOUT: Duration = Duration::from_secs(5);
/// A page of the list has 1000 prices at most, which are far smaller, in bytes.
const LARGEST_ANSWER: usize = 8 << 20;
/// As Azure's own calculator counts.
const HOURS_PER_MONTH: f64 = 730.0;

/// What machines of one size cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Estimate {
    pub currency: String,
    pub per_hour: f64,
    pub per_month: f64,
    pub machines: u32,
}

/// A page of the list.
#[derive(Debug, Deserialize)]
struct PricePage {
    #[serde(rename = "Items")]
    items: Vec<PriceLine>,
}

/// A line of the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceLine {
    /// Of one unit.
    retail_price: f64,
    /// `1 Hour`.
    unit_of_measure: String,
    /// `Virtual Machines Dasv5 Series Windows`.
    product_name: String,
    /// `D2as v5 Spot`.
    sku_name: String,
    meter_name: String,
    /// `USD`.
    currency_code: String,
}

impl Estimate {
    /// In words.
    pub(crate) fn text(&self, size: &str) -> String {
        let Self { currency, per_hour, per_month, machines } = self;
        format!(
            "about {per_hour:.2} {currency} an hour, {per_month:.0} {currency} a month for {machines} × {size} at list price; \
             disks, addresses and traffic come on top"
        )
    }

    /// What is not paid for as long as they are off, in words.
    pub(crate) fn saving(&self) -> String {
        let Self { currency, per_hour, per_month, machines } = self;
        format!(
            "about {per_hour:.2} {currency} an hour, {per_month:.0} {currency} a month for {machines} machines at list price"
        )
    }
}

/// The price of the spec's machines; none when the list is not reachable, cannot be read or does not have them.
pub(crate) async fn estimate(list: &str, spec: &ClusterSpec) -> Option<Estimate> {
    let filter = format!(
        "serviceName eq 'Virtual Machines' and priceType eq 'Consumption' and armRegionName eq '{}' and armSkuName eq '{}'",
        spec.location, spec.vm_size
    );
    let mut url: Url = list.parse().ok()?;
    url.query_pairs_mut().append_pair("$filter", &filter);
    let asking = async {
        let response = http_client(&url).execute_request(&Request::new(url, Method::Get)).await.ok()?;
        read_page(&read_body(response, LARGEST_ANSWER).await.ok()??)
    };
    let page = tokio::time::timeout(TIMEOUT, asking).await.ok()??;
    from_list(&page.items, spec)
}

fn read_page(body: &[u8]) -> Option<PricePage> {
    let read = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(body));
    read.inspect_err(|error| tracing::debug!("reading Azure's price list: {error}")).ok()
}

fn from_list(items: &[PriceLine], spec: &ClusterSpec) -> Option<Estimate> {
    let fits = |item: &&PriceLine| {
        let is_named = |word: &str| item.sku_name.contains(word) || item.meter_name.contains(word);
        item.unit_of_measure == "1 Hour"
            && !item.product_name.contains("Windows")
            && is_named("Spot") == spec.spot
            && !is_named("Low Priority")
    };
    let item = items.iter().find(fits)?;
    // Ten-thousandths are what prices have; what a sum of binary fractions adds to them is no price.
    let rounded = |price: f64| (price * 10_000.0).round() / 10_000.0;
    let per_hour = rounded(item.retail_price * f64::from(spec.node_count));
    Some(Estimate {
        currency: item.currency_code.clone(),
        per_hour,
        per_month: rounded(per_hour * HOURS_PER_MONTH),
        machines: spec.node_count,
    })
}

#[cfg(test)]
mod tests {
    use super::super::size::tests::spec;
    use super::*;
    use crate::config::parameter::{SCALE_SET, SPOT};
    use serde_json::json;

    #[test]
    fn the_right_line_of_the_list() {
        let item = |price: f64, product: &str, sku: &str| {
            json!({"retailPrice": price, "unitOfMeasure": "1 Hour", "productName": product, "skuName": sku,
                   "meterName": sku, "currencyCode": "USD"})
        };
        let page = json!({"Items": [
            item(0.3, "Virtual Machines Dasv5 Series Windows", "D2as v5"),
            item(0.02, "Virtual Machines Dasv5 Series", "D2as v5 Spot"),
            item(0.01, "Virtual Machines Dasv5 Series", "D2as v5 Low Priority"),
            item(0.1, "Virtual Machines Dasv5 Series", "D2as v5"),
        ]});
        let items = read_page(page.to_string().as_bytes()).unwrap().items;
        let estimate = from_list(&items, &spec(&[])).unwrap();
        assert_eq!(
            estimate.text("Standard_D2as_v5"),
            "about 0.30 USD an hour, 219 USD a month for 3 × Standard_D2as_v5 at list price; disks, addresses and traffic come on top"
        );
        assert_eq!(estimate.saving(), "about 0.30 USD an hour, 219 USD a month for 3 machines at list price");
        let spot = from_list(&items, &spec(&[(&SPOT, "true"), (&SCALE_SET, "true")])).unwrap();
        assert_eq!(format!("{:.2}", spot.per_hour), "0.06");
        assert_eq!(from_list(&[], &spec(&[])), None);
        for field in ["retailPrice", "unitOfMeasure", "productName", "skuName", "meterName", "currencyCode"] {
            let mut lacking = page.clone();
            lacking["Items"][3].as_object_mut().unwrap().remove(field);
            assert!(read_page(lacking.to_string().as_bytes()).is_none(), "{field}");
        }
        assert!(read_page(b"{}").is_none());
    }
}
