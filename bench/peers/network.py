"""The networks that Whippet is compared on: a body of torchvision or timm under
fastai's head, as `whippet bench` builds them.
"""
import torch
from torch import nn

CLASSES = 37


class ConcatPool(nn.Module):
    def forward(self, x):
        return torch.cat([nn.functional.adaptive_max_pool2d(x, 1), nn.functional.adaptive_avg_pool2d(x, 1)], 1)


class TimmBody(nn.Module):
    """A network of timm up to its pooling, or with it where it pools tokens."""

    def __init__(self, name):
        super().__init__()
        import timm
        size = {"img_size": 224} if "patch14" in name else {}  # DINOv2's own is 518, and others' sizes are refused
        self.model = timm.create_model(name, pretrained=False, num_classes=0, **size)
        self.pooled = self.model.default_cfg.get("pool_size") is None
        self.features = self.model.num_features

    def forward(self, x):
        return self.model(x) if self.pooled else self.model.forward_features(x)


def body(name):
    """Returns the body, its number of features and whether they are pooled."""
    import torchvision
    if name not in torchvision.models.list_models():
        b = TimmBody(name)
        return b, b.features, b.pooled
    whole = torchvision.models.get_model(name, weights=None)
    if hasattr(whole, "features"):
        b = whole.features
    elif hasattr(whole, "trunk_output"):
        b = nn.Sequential(whole.stem, whole.trunk_output)
    else:
        b = nn.Sequential(*list(whole.children())[:-2])
    b.eval()
    with torch.inference_mode():
        features = b(torch.zeros(1, 3, 224, 224)).shape[1]
    return b.train(), features, False


def network(name):
    b, features, pooled = body(name)
    pool = [nn.Flatten()] if pooled else [ConcatPool(), nn.Flatten()]
    n = features if pooled else 2 * features
    head = nn.Sequential(
        *pool, nn.BatchNorm1d(n), nn.Dropout(0.25), nn.Linear(n, 512, bias=False), nn.ReLU(inplace=True),
        nn.BatchNorm1d(512), nn.Dropout(0.5), nn.Linear(512, CLASSES, bias=False))
    return nn.Sequential(b, head)


def freeze(model):
    """fastai's freeze: the body's batch norms go on training, its weights do not."""
    for p in model[0].parameters():
        p.requires_grad_(False)
    for m in model[0].modules():
        if isinstance(m, nn.BatchNorm2d):
            m.weight.requires_grad_(True)
            m.bias.requires_grad_(True)
