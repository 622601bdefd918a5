-- What the collector has derived from a touchpoint's circumstances: campaign_source, campaign_medium, campaign_name, campaign_term, campaign_content, click_network,
-- click_id, referrer_kind, referrer_host, browser, browser_major, os, device, bot, country. A key that could not be derived is absent.
ALTER TABLE touchpoints ADD COLUMN IF NOT EXISTS enrichment Map(LowCardinality(String), String) CODEC(ZSTD(1)) AFTER consent;
