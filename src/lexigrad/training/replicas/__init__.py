"""SGD over replicas of the tables, each trained on its share of the text, and merged now and then."""
