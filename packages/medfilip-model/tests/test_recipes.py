from medfilip_model.recipes import paper


def test_the_paper_recipe_has_the_papers_settings():
    config = paper()
    assert (config.model.size, config.model.embed, config.model.image.name) == (
        448,
        768,
        "resnet50",
    )
    assert (config.optim.name, config.optim.lr, config.optim.schedule) == ("sgd", 0.006, "restarts")
    assert (config.epochs, config.targets.variant, config.data.augment) == (100, "paper", False)
    assert config.targets.encoder == "hf:emilyalsentzer/Bio_ClinicalBERT"
