//! A price list in the form of the Azure Retail Prices API, with made-up prices of the right order.
//! Source: <https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices>

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::filter::{self, Clause};
use crate::arm::location::{self, REGIONS};
use crate::compute::size::{SIZES, Size};

/// US dollars an hour of a vCPU and of a GiB of memory.
const PER_VCPU: f64 = 0.03;
const PER_GIB: f64 = 0.0045;
/// What Windows adds for each vCPU.
const WINDOWS_PER_VCPU: f64 = 0.046;
/// Spot and reservations, as parts of the price.
const SPOT: f64 = 0.2;
const ONE_YEAR: f64 = 0.6;
const HOURS_PER_YEAR: f64 = 8_760.0;

/// Items of one answer; Azure sends 1,000 and a link to more.
const MOST_ITEMS: usize = 1_000;

/// A price of a size.
struct Offer {
    price_type: &'static str,
    /// What follows the size's name in `skuName`.
    suffix: &'static str,
    product_suffix: &'static str,
    dollars: f64,
    reservation_term: Option<&'static str>,
}

fn linux_dollars(size: &Size) -> f64 {
    size.vcpus as f64 * PER_VCPU + size.memory_gib * PER_GIB
}

/// To a hundredth of a cent.
fn rounded(dollars: f64) -> f64 {
    (dollars * 10_000.0).round() / 10_000.0
}

/// What an hour of a size costs as Spot, the same in every region.
pub(crate) fn spot_dollars(size: &Size) -> f64 {
    rounded(linux_dollars(size) * SPOT)
}

fn offers(size: &Size) -> Vec<Offer> {
    let consumption = |suffix, product_suffix, dollars| Offer {
        price_type: "Consumption",
        suffix,
        product_suffix,
        dollars,
        reservation_term: None,
    };
    let linux = linux_dollars(size);
    let windows = linux + size.vcpus as f64 * WINDOWS_PER_VCPU;
    let mut offers = vec![consumption("", "", linux), consumption("", " Windows", windows)];
    if size.has_spot {
        offers.push(consumption(" Spot", "", linux * SPOT));
        offers.push(consumption(" Low Priority", "", linux * SPOT));
    }
    offers.push(Offer {
        price_type: "Reservation",
        suffix: "",
        product_suffix: "",
        dollars: linux * ONE_YEAR * HOURS_PER_YEAR,
        reservation_term: Some("1 Year"),
    });
    offers
}

/// The answer for a query with `$filter` (`armSkuName`, `armRegionName`, `priceType`, `serviceName`, …), `$skip` and
/// `currencyCode`, which can only be USD. `endpoint` is the start of the link to what is left.
pub(crate) fn document(endpoint: &str, query: &HashMap<String, String>) -> Result<Value, ArmError> {
    let text = query.get("$filter").map_or("", String::as_str);
    let filter = filter::parse(text)?;
    let currency = query.get("currencyCode").map_or("USD", |code| code.trim_matches('\''));
    if currency != "USD" {
        return Err(ArmError::bad("BadRequest", format!("Prices in '{currency}' are not offered here.")));
    }
    let skip: usize = query.get("$skip").and_then(|skip| skip.parse().ok()).unwrap_or(0);
    let matching: Vec<Value> = REGIONS
        .iter()
        .flat_map(|region| {
            SIZES.iter().flat_map(|size| offers(size).into_iter().map(|offer| item(region.name, size, &offer)))
        })
        .filter(|item| filter.iter().all(|clause| matches(item, clause)))
        .collect();
    let items: Vec<&Value> = matching.iter().skip(skip).take(MOST_ITEMS).collect();
    let left = matching.len().saturating_sub(skip + items.len());
    let next = (left > 0).then(|| {
        let filter = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
        format!("{endpoint}/azure-local/retail/prices?$filter={filter}&$skip={}", skip + items.len())
    });
    Ok(json!({
        "BillingCurrency": "USD",
        "CustomerEntityId": "Default",
        "CustomerEntityType": "Retail",
        "Items": items,
        "NextPageLink": next,
        "Count": items.len(),
    }))
}

/// Values are compared with their case, as Azure does since 2023; what an item does not have never matches.
fn matches(item: &Value, clause: &Clause) -> bool {
    // `priceType` is the name in filters of what items call `type`.
    let name = if clause.name == "priceType" { "type" } else { &clause.name };
    item.get(name).and_then(Value::as_str) == Some(clause.value.as_str())
}

fn item(location: &str, size: &Size, offer: &Offer) -> Value {
    let short = size.name.trim_start_matches("Standard_").replace('_', " ");
    let dollars = rounded(offer.dollars);
    let series = size.family.trim_start_matches("standard").trim_end_matches("Family");
    let id = format!("{}/{location}/{}{}{}", size.name, offer.price_type, offer.suffix, offer.product_suffix);
    let mut item = json!({
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": dollars,
        "unitPrice": dollars,
        "armRegionName": location,
        "location": location::title(location),
        "effectiveStartDate": "2026-01-01T00:00:00Z",
        "meterId": id,
        "meterName": format!("{short}{}", offer.suffix),
        "productId": format!("AZURE-LOCAL/{series}"),
        "skuId": format!("AZURE-LOCAL/{id}"),
        "productName": format!("Virtual Machines {series} Series{}", offer.product_suffix),
        "skuName": format!("{short}{}", offer.suffix),
        "serviceName": "Virtual Machines",
        "serviceId": "DZH313Z7MMC8",
        "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour",
        "type": offer.price_type,
        "isPrimaryMeterRegion": true,
        "armSkuName": size.name,
    });
    if let Some(term) = offer.reservation_term {
        item["reservationTerm"] = json!(term);
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(filter: &str) -> Vec<(String, f64)> {
        let query = HashMap::from([("$filter".to_owned(), filter.to_owned())]);
        let answer = document("http://x", &query).expect("an answer");
        let items = answer["Items"].as_array().expect("a list").iter();
        items
            .map(|item| {
                (
                    item["productName"].to_string() + &item["skuName"].to_string(),
                    item["retailPrice"].as_f64().expect("a price"),
                )
            })
            .collect()
    }

    #[test]
    fn a_size_in_a_region_has_a_few_prices() {
        let of_size = "armRegionName eq 'westeurope' and armSkuName eq 'Standard_D2as_v5'";
        let table = [
            (of_size.to_owned(), 5),
            (format!("{of_size} and priceType eq 'Consumption'"), 4),
            (format!("{of_size} and priceType eq 'Reservation'"), 1),
            ("armRegionName eq 'westeurope' and armSkuName eq 'Standard_B2s' and type eq 'Consumption'".to_owned(), 2),
            (format!("{of_size} and serviceName eq 'Storage'"), 0),
            ("armRegionName eq 'moon'".to_owned(), 0),
            ("armRegionName eq 'westeurope' and armSkuName eq 'standard_d2as_v5'".to_owned(), 0),
        ];
        for (filter, items) in table {
            assert_eq!(ask(&filter).len(), items, "{filter}");
        }
        let prices = ask(&format!("{of_size} and priceType eq 'Consumption'"));
        assert!(prices.iter().all(|(_, price)| *price > 0.0), "{prices:?}");
    }

    #[test]
    fn long_lists_come_in_pages() {
        let mut query = HashMap::from([("$filter".to_owned(), "priceType eq 'Consumption'".to_owned())]);
        let first = document("http://x", &query).expect("an answer");
        assert_eq!(first["Count"], 1_000);
        assert!(
            first["NextPageLink"].as_str().is_some_and(|link| link.ends_with("$skip=1000")),
            "{}",
            first["NextPageLink"]
        );
        query.insert("$skip".to_owned(), "1000000".to_owned());
        assert_eq!(document("http://x", &query).expect("an answer")["NextPageLink"], Value::Null);
    }
}
